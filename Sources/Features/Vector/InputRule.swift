// SPDX-License-Identifier: Apache-2.0

/// What an input makes of a value, whatever row layout it lies in.
struct InputRule {
    let type: FeatureType
    /// The inputs that the feature feeds from this one on; 0 for those that follow a vector's first.
    let count: Int
    /// The statuses in whose place the default stands.
    let defaulted: StatusSet
    /// The statuses with which there is no score.
    let failing: StatusSet
    /// Whether a model sees NaN for a stale value.
    let hidesStale: Bool
    /// What a model sees of the default; NaN if there is none.
    let standIn: Double
    /// For a timestamp: the default, from which a model sees seconds; else 0.
    let standInTime: Int64
    /// Microseconds; `Int64.max` if never.
    let ttl: Int64
    /// Microseconds; `Int64.max` if never.
    let maxAge: Int64
    /// The categories' table in the plan's list; -1 if the input is not a string.
    let table: Int
    /// Where the codes of the table's categories begin in the plan's list; before it is that of any other text.
    let firstCode: Int

    /// What a model sees of the default.
    @inline(__always)
    func standIn(now: Int64) -> Double {
        type == .timestamp ? Self.seconds(since: standInTime, now: now) : standIn
    }

    /// What a model sees of a timestamp: seconds from then until now, negative for one to come.
    @inline(__always)
    static func seconds(since time: Int64, now: Int64) -> Double {
        Double(now &- time) / 1_000_000
    }
}
