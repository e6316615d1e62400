// SPDX-License-Identifier: Apache-2.0

/// Why inputs cannot be compiled; `field` is "inputs[3].feature" and the like.
package struct VectorPlanError: Error, Equatable {
    package let field: String
    package let reason: String
}
