// SPDX-License-Identifier: Apache-2.0

import Files
import Testing

@testable import Engine

struct `The file of retreats` {
    private let folder = TemporaryFolder()

    init() throws {
        try Files.makeFolder(folder.path)
    }

    private func read() -> [UInt8] {
        var file = RetreatFile(folder: folder.path)
        return file.read()
    }

    private var bytes: [UInt8] {
        get throws { try Files.read("\(folder.path)/retreats", byteCountMax: 8 << 20) }
    }

    private func put(_ bytes: [UInt8]) throws {
        try Files.write(bytes.span, to: "\(folder.path)/retreats")
    }

    @Test func `holds what was written last, and nothing behind a clearing`() throws {
        var file = RetreatFile(folder: folder.path)
        let first = file.read()
        #expect(first == [])
        for turn in 1...5 {
            let note = [UInt8](repeating: UInt8(turn), count: 1_000 - turn)
            let isWritten = file.write(note)
            #expect(isWritten)
            #expect(read() == note)
        }
        file.clear()
        #expect(read() == [])
        #expect(try Files.names(in: folder.path) == ["retreats.spare"])
        file.write([7])
        #expect(read() == [7])
        #expect(try Files.names(in: folder.path) == ["retreats"])
    }

    @Test func `goes on in another process`() {
        for turn in UInt8(1)...4 {
            var file = RetreatFile(folder: folder.path)
            _ = file.read()
            file.write([turn])
            #expect(read() == [turn])
            if turn > 2 { file.clear() }
        }
    }

    @Test func `keeps the note before one that was torn`() throws {
        var file = RetreatFile(folder: folder.path)
        for note: [UInt8] in [[1, 1, 1], [2, 2, 2]] { file.write(note) }
        let whole = try bytes
        for place in 0..<(RetreatFile.headerByteCount + 3) {
            var torn = whole
            torn[place] ^= 0x55
            try put(torn)
            #expect(read() == [1, 1, 1])
        }
        for length in 0..<40 {
            try put(Array(whole.prefix(length)))
            #expect([[], [2, 2, 2]].contains(read()))
        }
    }

    @Test(arguments: [-1, 0, 1, 100_000]) func `takes notes around the size of a place`(
        _ more: Int
    ) throws {
        var file = RetreatFile(folder: folder.path)
        let count = RetreatFile.placeByteCount - RetreatFile.headerByteCount + more
        file.write([1])
        let note = [UInt8](repeating: 9, count: count)
        file.write(note)
        #expect(read() == note)
        file.write([2])
        #expect(read() == [2])
        file.write([3])
        #expect(read() == [3])
    }

    @Test(arguments: [0, 1]) func `keeps a note beyond a place while the next are torn`(
        _ before: Int
    ) throws {
        var file = RetreatFile(folder: folder.path)
        for turn in 0...before { file.write([UInt8(turn)]) }
        let large = [UInt8](repeating: 9, count: RetreatFile.placeByteCount)
        file.write(large)
        let whole = try Files.read("\(folder.path)/retreats", byteCountMax: 8 << 20)
        file.write([7])
        #expect(read() == [7])
        let after = try Files.read("\(folder.path)/retreats", byteCountMax: 8 << 20)
        let changed = whole.indices.filter { whole[$0] != after[$0] }
        #expect(whole.count == after.count && changed.count > 8)
        // However much of the next note got to the disk before the process ended.
        for end in changed {
            var torn = whole
            for place in changed where place < end { torn[place] = after[place] }
            try put(torn)
            #expect(read() == large)
        }
    }
}
