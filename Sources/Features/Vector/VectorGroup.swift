// SPDX-License-Identifier: Apache-2.0

/// The inputs that come from one row: one feature set, keyed by one list of entity kinds.
package struct VectorGroup: Sendable {
    /// The feature set's name.
    package let setName: String
    /// The feature set's number in keys.
    package let setID: UInt32
    /// The entity kinds that key the row, in key order.
    package let entityKinds: [String]
    /// The number of that list of kinds in keys.
    package let kindsID: UInt16
    /// The inputs of the group, ascending.
    package let inputs: [Int]
}
