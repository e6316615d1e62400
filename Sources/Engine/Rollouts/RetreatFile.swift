// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import Files
internal import Glibc
internal import Store

/// The file `retreats` beside the store: what took traffic away and is not on record yet.
///
/// It has two places that are written in turn, so that a process which ends while it writes one leaves the
/// other. Their blocks are taken when there is room (as `retreats.spare`), so that a full disk takes a note
/// too. One that is larger than a place lies behind both, in a new file that replaces the old one whole;
/// only that needs room. A note that was written outlives the process; one that was synced outlives a power
/// cut as well.
///
/// Invariant: the valid place with the highest serial number is the note; an empty one says that there is
/// nothing.
struct RetreatFile {
    /// Bytes of one place, its header included.
    static let placeByteCount = 1 << 20
    /// Magic, serial number, length, and the CRC-32C of those two and the note: eight bytes each.
    static let headerByteCount = 32
    static let byteCountMax = 64 << 20
    private static let name = "retreats"
    private static let magic: UInt64 = 0x7374_6165_7274_6572

    private let folder: String
    private let path: String
    private let sparePath: String
    private var serial: UInt64 = 0
    private var noted: [UInt8] = []
    private var isSynced = true

    init(folder: String) {
        self.folder = folder
        path = "\(folder)/\(Self.name)"
        sparePath = "\(path).spare"
    }

    /// What is noted; empty for nothing. To be called once, before anything is written.
    mutating func read() -> [UInt8] {
        // The spare tells how far the numbers have come; it has a note if a process ended before it could
        // give it its name.
        let name = Files.exists(path) ? path : sparePath
        guard let file = try? Files.read(name, byteCountMax: Self.byteCountMax) else { return [] }
        for start in [0, Self.placeByteCount, 2 * Self.placeByteCount] {
            guard let (number, note) = Self.place(at: start, of: file.span), number >= serial else {
                continue
            }
            serial = number
            noted = note
        }
        return noted
    }

    private static func place(at start: Int, of file: Span<UInt8>) -> (UInt64, [UInt8])? {
        guard file.count >= start + headerByteCount else { return nil }
        func number(_ index: Int) -> UInt64 {
            let first = start + 8 * index
            return readInteger(file.extracting(first..<(first + 8)))
        }
        guard number(0) == magic, let count = Int(exactly: number(2)),
            count <= file.count - start - headerByteCount
        else { return nil }
        let first = start + headerByteCount
        let note = file.extracting(first..<(first + count))
        guard number(3) == checksum(of: note, serial: number(1)) else { return nil }
        return (number(1), note.indices.map { note[$0] })
    }

    private static func checksum(of note: Span<UInt8>, serial: UInt64) -> UInt64 {
        let head = integerBytes(serial) + integerBytes(UInt64(note.count))
        return UInt64(CRC32C.checksum(note, continuing: CRC32C.checksum(head.span)))
    }

    /// What belongs to a copy of the store in `folder`, which lacks what is only noted. Whether it is there
    /// is seen once the data is copied.
    static func files(of folder: String) -> [SnapshotSource] {
        [SnapshotSource(path: "\(folder)/\(name)", name: name, isOptional: true)]
    }

    /// Notes `note`, unless that is what is noted; false if the disk does not take it.
    @discardableResult
    mutating func write(_ note: [UInt8]) -> Bool {
        guard note != noted else { return true }
        let next = serial + 1
        let record =
            integerBytes(Self.magic) + integerBytes(next) + integerBytes(UInt64(note.count))
            + integerBytes(Self.checksum(of: note.span, serial: next)) + note
        if record.count > Self.placeByteCount {
            let places = [UInt8](repeating: 0, count: 2 * Self.placeByteCount)
            guard places.count + record.count <= Self.byteCountMax,
                (try? Files.write((places + record).span, to: path)) != nil
            else { return false }
        } else {
            let isThere = Files.exists(path)
            if !isThere { keepSpare() }
            let start = Int(next % 2) * Self.placeByteCount
            // Without a spare one is made now, if there is room.
            guard Self.write(record, at: start, of: isThere ? path : sparePath) else {
                return false
            }
            // Safe: both paths are NUL-terminated copies.
            guard unsafe isThere || rename(sparePath, path) == 0 else { return false }
        }
        serial = next
        noted = note
        isSynced = false
        return true
    }

    /// Notes that there is nothing. A failure leaves a note of what is on record, which is known by that.
    mutating func clear() {
        guard !noted.isEmpty || Files.exists(path) else { return }
        guard write([]) else { return }
        // Safe: both paths are NUL-terminated copies.
        if unsafe rename(path, sparePath) == 0 { isSynced = true }
    }

    /// The note that would not outlive a power cut, by its serial number; nil if there is none.
    var unsynced: UInt64? { isSynced ? nil : serial }

    /// Takes note of what ``sync(in:)`` has done, unless there is a newer note.
    mutating func setSynced(_ number: UInt64) { isSynced = isSynced || number == serial }

    /// Makes the note in `folder` outlive a power cut; whether it does. It may wait for the disk for long, so nobody
    /// holds the file meanwhile.
    static func sync(in folder: String) -> Bool {
        for (name, flags) in [("\(folder)/\(name)", O_WRONLY), (folder, O_RDONLY | O_DIRECTORY)] {
            // Safe: Swift passes a NUL-terminated copy of the path for the call.
            let file = unsafe open(name, flags | O_CLOEXEC)
            guard file >= 0 else { return false }
            defer { close(file) }
            guard fsync(file) == 0 else { return false }
        }
        return true
    }

    /// Takes blocks for a note, if there is room and they are not taken yet.
    func keepSpare() {
        guard !Files.exists(path), !Files.exists(sparePath) else { return }
        // Safe: Swift passes a NUL-terminated copy of the path for the call.
        let file = unsafe open(sparePath, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { return }
        defer { close(file) }
        if posix_fallocate(file, 0, off_t(2 * Self.placeByteCount)) != 0 {
            // None is better than one that seems to have its blocks.
            _ = unsafe unlink(sparePath)
        }
    }

    private static func write(_ bytes: [UInt8], at start: Int, of path: String) -> Bool {
        // Safe: the path is a NUL-terminated copy, the source is the rest of the array.
        let file = unsafe open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { return false }
        defer { close(file) }
        var written = 0
        while written < bytes.count {
            let count = unsafe bytes.withUnsafeBufferPointer { buffer in
                unsafe pwrite(
                    file, buffer.baseAddress! + written, buffer.count - written,
                    off_t(start + written))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            written += count
        }
        return true
    }
}
