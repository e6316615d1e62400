// SPDX-License-Identifier: Apache-2.0

/// A set of statuses: a bit each.
package struct StatusSet: OptionSet, Hashable, Sendable {
    /// A bit for each status, by its raw value.
    package let rawValue: UInt16

    /// The set with these bits.
    package init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    private init(_ status: ValueStatus) {
        rawValue = 1 << UInt16(status.rawValue)
    }

    /// An explicit null.
    package static let null = StatusSet(.null)
    /// No row.
    package static let noEntity = StatusSet(.noEntity)
    /// A row without the feature.
    package static let noFeature = StatusSet(.noFeature)
    /// A value older than its feature's max age.
    package static let stale = StatusSet(.stale)
    /// A row older than its set's ttl.
    package static let expired = StatusSet(.expired)
    /// A damaged row.
    package static let invalid = StatusSet(.invalid)

    /// Whether the set has `status`.
    @inline(__always)
    package func has(_ status: ValueStatus) -> Bool {
        has(status.rawValue)
    }

    /// Whether the set has the status with that raw value, below 16.
    @inline(__always)
    func has(_ status: UInt8) -> Bool {
        rawValue >> UInt16(status & 15) & 1 == 1
    }
}
