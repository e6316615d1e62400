// SPDX-License-Identifier: Apache-2.0

/// What a server's guards have done so far, or for each call of a load.
struct GuardCosts {
    /// Requests that were weighed, that were lost on the way, and that both models scored.
    var weighed: Double
    var dropped: Double
    var pairs: Double
    /// Processor time of the guard thread.
    var guardMicroseconds: Double

    init(_ kassa: KassaServer) throws {
        let metrics = try ServerMetrics(adminPort: kassa.adminPort)
        weighed = try metrics["kassa_guard_events_total"]
        dropped = try metrics["kassa_guard_events_dropped_total"]
        // Not there before the first pair.
        pairs = (try? metrics["kassa_pair_score_delta_count{scorer=\"bench\"}"]) ?? 0
        guardMicroseconds = threadSeconds(kassa.process.id, "guard") * 1e6
    }

    /// What came since `earlier`, for each of so many calls.
    func perCall(since earlier: GuardCosts, calls: Int) -> GuardCosts {
        var costs = self
        let count = Double(max(1, calls))
        costs.weighed = (weighed - earlier.weighed) / count
        costs.dropped = (dropped - earlier.dropped) / count
        costs.pairs = (pairs - earlier.pairs) / count
        costs.guardMicroseconds = (guardMicroseconds - earlier.guardMicroseconds) / count
        return costs
    }
}
