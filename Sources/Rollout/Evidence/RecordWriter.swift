// SPDX-License-Identifier: Apache-2.0

internal import Base

/// Writes a record of fixed-width little-endian fields that ends with its CRC-32C.
struct RecordWriter {
    private var bytes: [UInt8] = []

    init(magic: UInt32, version: UInt16) {
        put(magic)
        put(version)
    }

    mutating func put(_ value: some FixedWidthInteger) {
        var rest = UInt64(truncatingIfNeeded: value)
        for _ in 0..<value.bitWidth / 8 {
            bytes.append(UInt8(truncatingIfNeeded: rest))
            rest >>= 8
        }
    }

    mutating func put(_ value: Double) {
        put(value.bitPattern)
    }

    mutating func put(_ values: LogValues) {
        put(values.units)
    }

    mutating func put(_ lanes: LogValues.Lanes) {
        for lane in lanes.indices { put(lanes[lane]) }
    }

    mutating func put(_ counts: ArmCounts) {
        put(counts.stable)
        put(counts.canary)
    }

    mutating func put(_ words: [UInt64]) {
        put(UInt32(words.count))
        bytes.reserveCapacity(bytes.count + words.count * 8 + 4)
        for word in words { put(word) }
    }

    consuming func finish() -> [UInt8] {
        put(CRC32C.checksum(bytes.span))
        return bytes
    }
}
