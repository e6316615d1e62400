// SPDX-License-Identifier: Apache-2.0

/// How well the model that is in a slot agrees with outcomes since it came in.
///
/// Another bundle in the slot begins anew: numbers over two models say nothing about either.
package struct SlotCalibration: Equatable, Sendable {
    /// The first eight bytes of the bundle's SHA-256, big-endian.
    package private(set) var bundle: UInt64
    /// The numbers.
    package private(set) var calibration = Calibration()

    /// Nothing yet, for the slot that `bundle` is in.
    package init(bundle: UInt64) {
        self.bundle = bundle
    }

    /// Takes a label of a score by `bundle`.
    ///
    /// On time, another bundle than before has taken the slot. One that comes late is of the past: it
    /// counts if its bundle is still the one, and begins nothing.
    package mutating func take(_ label: Bool, score: Double, bundle: UInt64, isOnTime: Bool) {
        if bundle != self.bundle {
            guard isOnTime || calibration.labels == 0 else { return }
            self = SlotCalibration(bundle: bundle)
        }
        calibration.observe(probability: score, outcome: label)
    }

    /// The bytes that ``init(decoding:)`` reads.
    package var encoded: [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: bundle >> UInt64(56 - 8 * $0)) }
            + calibration.encoded
    }

    /// What was encoded.
    package init(decoding bytes: Span<UInt8>) throws(EvidenceError) {
        guard bytes.count > 8 else { throw .corrupt }
        var bundle: UInt64 = 0
        for index in 0..<8 { bundle = bundle << 8 | UInt64(bytes[index]) }
        self.bundle = bundle
        calibration = try Calibration(decoding: bytes.extracting(8..<bytes.count))
    }
}
