// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Crypto
internal import Store
internal import Wire

/// Where the last record of the audit log is noted, in the table `meta`.
enum AuditHead {
    static let key = Array("audit.head".utf8)
}

/// Follows the links of the audit log from its first record to its last.
///
/// Records of releases that linked none may only come before the first that is linked. The head tells
/// what the last record is, so that records missing at the end are noticed too.
struct AuditChain {
    /// Records whose link is whole.
    private(set) var linkedCount: UInt64 = 0
    /// The first record whose link is broken.
    private(set) var brokenAt: UInt64?
    private var digest: [UInt8]?
    private var last: UInt64 = 0

    /// Takes the next record.
    mutating func add(_ record: Span<UInt8>, sequence: UInt64) {
        guard brokenAt == nil else { return }
        last = sequence
        let previous = (try? KassaStorageV1.AuditRecord(decoding: record))?.previousSha256
        if digest == nil, previous == [] { return }
        guard let previous, previous == digest ?? [UInt8](repeating: 0, count: SHA256.byteCount)
        else {
            brokenAt = sequence
            return
        }
        digest = SHA256.digest(of: record)
        linkedCount += 1
    }

    /// Compares the last record with the head of the log.
    mutating func end(at head: Span<UInt8>?) {
        guard brokenAt == nil else { return }
        guard let head else {
            if digest != nil { brokenAt = last }
            return
        }
        let stored = try? KassaStorageV1.StoredAuditHead(decoding: head)
        if stored?.sha256 != digest || stored?.sequence != last {
            brokenAt = max(stored?.sequence ?? 0, last)
        }
    }
}
