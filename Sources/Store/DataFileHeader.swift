// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// The two meta pages of a data file, checked before LMDB maps it.
///
/// LMDB 0.9.24 trusts them: a file shorter than `mm_last_pg` says ends in SIGBUS, a page size of 0 in
/// SIGFPE. Layout on 64-bit little-endian machines: a 16-byte page header, then `MDB_meta`.
struct DataFileHeader {
    /// Bytes of a page.
    var pageBytes: UInt64
    /// The last page that the newer meta page speaks of.
    var lastPage: UInt64
    /// The number of the last commit.
    var transactionID: UInt64
    /// The root page of the table of names.
    var root: UInt64
    /// The root page of the list of free pages.
    var freeRoot: UInt64

    private static let metaBytes = 152
    private static let metaFlag: UInt64 = 0x08
    private static let magic: UInt64 = 0xBEEF_C0DE
    private static let dataVersion: UInt64 = 1
    private static let integerKeyFlag: UInt64 = 0x08
    private static let noRoot = UInt64.max
    /// No store gets there by counting.
    private static let transactionIDMax: UInt64 = 1 << 62
    private static let pageBytesRange: ClosedRange<UInt64> = 512...32_768

    /// Whether `page` may be the root of a tree; the first two pages are the meta pages.
    private func hasInside(_ page: UInt64) -> Bool {
        page == Self.noRoot || page > 1 && page <= lastPage
    }

    /// Reads and checks the file at `path`; nil if there is none yet or it is empty.
    static func check(path: String) throws(StoreError) -> DataFileHeader? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        if descriptor < 0 && errno == ENOENT { return nil }
        guard descriptor >= 0 else { throw SystemCall.failure(path: path, call: "open") }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else {
            throw SystemCall.failure(path: path, call: "fstat")
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw .foreignFile(path: path, reason: "it is not a regular file")
        }
        guard status.st_size > 0 else { return nil }
        let byteCount = UInt64(status.st_size)
        let first = try read(descriptor, at: 0, path: path)
        let second = try read(descriptor, at: first.pageBytes, path: path)
        guard first.pageBytes == second.pageBytes else {
            throw .foreignFile(path: path, reason: "its meta pages differ in page size")
        }
        // As LMDB chooses: the first, where they are equal.
        let newer = second.transactionID > first.transactionID ? second : first
        let (pages, isTooMany) = newer.lastPage.addingReportingOverflow(1)
        let (expected, overflow) = pages.multipliedReportingOverflow(by: newer.pageBytes)
        guard !isTooMany && !overflow else {
            throw .foreignFile(path: path, reason: "its meta page names an impossible last page")
        }
        guard byteCount >= expected else {
            throw .truncated(path: path, byteCount: byteCount, expectedByteCount: expected)
        }
        // Not so in the older one: when LMDB fails to write a meta page, it puts the old transaction
        // and last page back beside the new root.
        guard newer.hasInside(newer.root) else {
            throw .foreignFile(path: path, reason: "its table of names lies outside the file")
        }
        guard newer.hasInside(newer.freeRoot) else {
            throw .foreignFile(path: path, reason: "its list of free pages lies outside the file")
        }
        guard newer.transactionID <= transactionIDMax else {
            throw .foreignFile(path: path, reason: "its transaction number is impossible")
        }
        return newer
    }

    private static func read(
        _ descriptor: Int32, at offset: UInt64, path: String
    ) throws(StoreError) -> DataFileHeader {
        var bytes = [UInt8](repeating: 0, count: metaBytes)
        let count = unsafe pread(descriptor, &bytes, metaBytes, Int(offset))
        guard count >= 0 else { throw SystemCall.failure(path: path, call: "pread") }
        guard count == metaBytes else {
            throw .foreignFile(path: path, reason: "it is too short to hold two meta pages")
        }
        func number(_ offset: Int, _ size: Int) -> UInt64 {
            (0..<size).reduce(0) { $0 | UInt64(bytes[offset + $1]) << UInt64(8 * $1) }
        }
        guard number(10, 2) & metaFlag != 0 && number(16, 4) == magic else {
            throw .foreignFile(path: path, reason: "a meta page is missing or damaged")
        }
        guard number(20, 4) == dataVersion else {
            throw .foreignFile(path: path, reason: "it was written by another version of LMDB")
        }
        let pageBytes = number(40, 4)
        guard pageBytesRange.contains(pageBytes) && pageBytes.nonzeroBitCount == 1 else {
            throw .foreignFile(path: path, reason: "its page size is impossible")
        }
        // The main table holds only the names of the others: no flag of a table with duplicates.
        guard number(92, 2) == 0 else {
            throw .foreignFile(path: path, reason: "its table of names is impossible")
        }
        guard number(44, 2) & ~integerKeyFlag == 0 else {
            throw .foreignFile(path: path, reason: "its list of free pages is impossible")
        }
        return DataFileHeader(
            pageBytes: pageBytes, lastPage: number(136, 8), transactionID: number(144, 8),
            root: number(128, 8), freeRoot: number(80, 8))
    }
}

extension DataFileHeader {
    /// The least map that holds what the file holds, and a little more.
    var leastMapBytes: Int {
        Int(clamping: (lastPage + 1) * pageBytes) + 1 << 20
    }
}
