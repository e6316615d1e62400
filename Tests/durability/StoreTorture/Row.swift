// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import Store

/// What the write with a given sequence stores: all of it follows from the sequence.
///
/// Each write puts a row under a scattered key and an entry under an ordered one, and changes a table
/// of large values, so that pages are split, freed and used again. Both tables then hold exactly one
/// entry for each sequence from 1 to the last: one that is missing, or half there, shows.
struct Row {
    static let tables: [TableDefinition] = [
        .eightAligned("rows"), .eightAligned("log"), .eightAligned("large"),
    ]
    /// Keys of the table of large values.
    static let largeKeys: UInt64 = 97

    let sequence: UInt64

    /// 16 bytes: a scattered number, then the sequence.
    var key: [UInt8] {
        bytes(scattered) + bytes(sequence)
    }

    /// 8 bytes, in the order of sequences.
    var logKey: [UInt8] {
        bytes(sequence.byteSwapped)
    }

    /// 16 to 520 bytes, every 50th 4,000: the sequence, then numbers that follow from it.
    var value: [UInt8] {
        let words = sequence % 50 == 0 ? 500 : 2 + Int(sequence % 64)
        return Self.words(words, sequence)
    }

    /// Up to 24,000 bytes, in a table that every 8th write changes.
    var largeValue: [UInt8] {
        Self.words(1 + Int(scattered % 3_000), sequence)
    }

    /// The key of the large value.
    var largeKey: [UInt8] {
        bytes(sequence % Self.largeKeys)
    }

    private var scattered: UInt64 {
        var generator = SeededGenerator(seed: sequence)
        return generator.next()
    }

    private static func words(_ count: Int, _ sequence: UInt64) -> [UInt8] {
        var generator = SeededGenerator(seed: ~sequence)
        var words = [sequence.littleEndian]
        words.reserveCapacity(count)
        for _ in 1..<max(count, 2) { words.append(generator.next().littleEndian) }
        // Safe: the array is copied within the call.
        return unsafe words.withUnsafeBytes { unsafe Array($0) }
    }
}

private func bytes(_ number: UInt64) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: number >> UInt64(8 * $0)) }
}
