// SPDX-License-Identifier: Apache-2.0

extension FeatureSet {
    /// Whether every version says EXPIRED, or has nothing to say, about all that a row holds.
    ///
    /// That is so when the newest value is older than the longest ttl of the versions that read rows of this
    /// list of kinds. After its deletion readers get NO_ENTITY, and the same defaults as before. A damaged
    /// row is not expired, for nobody knows how old it is.
    ///
    /// - Parameter now: microseconds since the epoch.
    package func isExpired(_ row: Span<UInt8>, kindsID: UInt16, now: Int64) -> Bool {
        guard let ttl = longestTTL(kindsID: kindsID) else { return false }
        return Self.isExpired(row, ttl: ttl, now: now)
    }

    /// Whether a row's newest value is older than `ttl` microseconds; 0 means never.
    static func isExpired(_ row: Span<UInt8>, ttl: Int64, now: Int64) -> Bool {
        guard ttl > 0 else { return false }
        guard (try? RowView.verify(row)) != nil else { return false }
        return now &- row.load(at: 16, as: Int64.self) > ttl
    }

    /// The longest ttl of the versions that read rows of this list of kinds, in microseconds.
    ///
    /// 0 if one of them never lets a value expire; nil if no version reads such rows.
    func longestTTL(kindsID: UInt16) -> Int64? {
        let readers = liveVersions.filter { $0.kindsID == kindsID }
        guard let longest = readers.map(\.ttlMilliseconds).max() else { return nil }
        // A hundred years at most, so that the product fits.
        return readers.contains { $0.ttlMilliseconds == 0 } ? 0 : Int64(longest) * 1_000
    }

    /// Whether the sweep has never had anything to take out of the set's rows: then a row holds all that
    /// its history does, and more.
    ///
    /// - Complexity: O(versions).
    var keepsRowsWhole: Bool {
        versions.allSatisfy { !$0.isDropped && $0.ttlMilliseconds == 0 }
    }
}
