// SPDX-License-Identifier: Apache-2.0

/// Why a write is refused as a whole: INVALID_ARGUMENT. Nothing of it is applied.
package struct WriteError: Error, Equatable {
    /// The field of the request, "columns[3].values" and the like.
    package let field: String
    package let reason: String
}
