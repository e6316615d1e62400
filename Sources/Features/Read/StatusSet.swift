// SPDX-License-Identifier: Apache-2.0

/// A set of statuses: a bit each.
package struct StatusSet: OptionSet, Hashable, Sendable {
    package let rawValue: UInt16

    package init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    private init(_ status: ValueStatus) {
        rawValue = 1 << UInt16(status.rawValue)
    }

    package static let null = StatusSet(.null)
    package static let noEntity = StatusSet(.noEntity)
    package static let noFeature = StatusSet(.noFeature)
    package static let stale = StatusSet(.stale)
    package static let expired = StatusSet(.expired)
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
