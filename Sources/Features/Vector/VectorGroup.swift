// SPDX-License-Identifier: Apache-2.0

/// The inputs that come from one row: one feature set, keyed by one list of entity kinds.
package struct VectorGroup: Sendable {
    package let setName: String
    package let setID: UInt32
    package let entityKinds: [String]
    package let kindsID: UInt16
    /// The inputs of the group, ascending.
    package let inputs: [Int]
}
