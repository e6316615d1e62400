// SPDX-License-Identifier: Apache-2.0

internal import Base

/// Reads what ``RecordWriter`` wrote; nothing in the bytes is believed before it is checked.
struct RecordReader: ~Escapable {
    private let bytes: Span<UInt8>
    private var position = 0
    /// The version of what is read.
    private(set) var version: UInt16 = 0

    /// Checks the checksum, the magic number and the version.
    @_lifetime(copy bytes)
    init(
        _ bytes: Span<UInt8>, magic: UInt32, versions: ClosedRange<UInt16>
    ) throws(EvidenceError) {
        guard bytes.count >= 10 else { throw .corrupt }
        let body = bytes.extracting(0..<bytes.count - 4)
        var sum: UInt32 = 0
        for index in 0..<4 { sum |= UInt32(bytes[bytes.count - 4 + index]) << UInt32(8 * index) }
        guard CRC32C.checksum(body) == sum else { throw .corrupt }
        self.bytes = body
        guard try integer(UInt32.self) == magic else { throw .corrupt }
        version = try integer()
        guard versions.contains(version) else { throw .unknownVersion(version) }
    }

    mutating func integer<Integer: FixedWidthInteger>(
        _ type: Integer.Type = Integer.self
    ) throws(EvidenceError) -> Integer {
        let width = Integer.bitWidth / 8
        guard bytes.count - position >= width else { throw .corrupt }
        var value: UInt64 = 0
        for index in 0..<width { value |= UInt64(bytes[position + index]) << UInt64(8 * index) }
        position += width
        return Integer(truncatingIfNeeded: value)
    }

    mutating func double() throws(EvidenceError) -> Double {
        Double(bitPattern: try integer())
    }

    mutating func logValues() throws(EvidenceError) -> LogValues {
        LogValues(units: try lanes(in: LogValues.lowest...(-LogValues.lowest)))
    }

    mutating func lanes(
        in range: ClosedRange<Int64>
    ) throws(EvidenceError) -> LogValues.Lanes {
        var lanes = LogValues.Lanes(repeating: 0)
        for lane in lanes.indices {
            let units: Int64 = try integer()
            guard range.contains(units) else { throw .corrupt }
            lanes[lane] = units
        }
        return lanes
    }

    mutating func armCounts() throws(EvidenceError) -> ArmCounts {
        let stable: UInt64 = try integer()
        return ArmCounts(stable: stable, canary: try integer())
    }

    /// A run of words whose number was written before them, and is `count`.
    mutating func words(count: Int) throws(EvidenceError) -> [UInt64] {
        guard try integer(UInt32.self) == UInt32(count), (bytes.count - position) / 8 >= count
        else { throw .corrupt }
        var words: [UInt64] = []
        words.reserveCapacity(count)
        for _ in 0..<count { words.append(try integer()) }
        return words
    }

    /// Whether everything has been read.
    func finish() throws(EvidenceError) {
        guard position == bytes.count else { throw .corrupt }
    }
}
