// SPDX-License-Identifier: Apache-2.0

/// Why stored bytes are not the state of a feature set.
package enum FeatureSetStateError: Error, Equatable {
    /// Wrong checksum, length or content.
    case damaged
    /// Written by a newer release.
    case unknownFormat(UInt8)
}
