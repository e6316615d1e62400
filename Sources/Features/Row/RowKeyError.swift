// SPDX-License-Identifier: Apache-2.0

/// Why ids cannot be the key of a row.
package enum RowKeyError: Error, Equatable {
    case emptyID
    /// Longer than ``FeatureLimits/idByteCountMax``.
    case idTooLong
    /// A NUL byte, which ends ids in keys.
    case idHasNUL
    /// Not UTF-8.
    case idNotUTF8
    /// No id of a kind that the key needs.
    case missingKind
    /// All ids together are too long: ``FeatureLimits/keyByteCountMax``.
    case keyTooLong

    /// The reason in words, to follow the name of the field.
    package var reason: String {
        switch self {
        case .emptyID: "is empty"
        case .idTooLong: "is longer than \(FeatureLimits.idByteCountMax) bytes"
        case .idHasNUL: "contains a NUL byte"
        case .idNotUTF8: "is not UTF-8"
        case .missingKind: "is missing"
        case .keyTooLong: "is too long together with the other ids of the key"
        }
    }
}
