// SPDX-License-Identifier: Apache-2.0

/// Counts and latencies of the RPCs that one loop answered, by method and gRPC status code.
///
/// All series are laid out beforehand, so that recording touches two words. The number of requests
/// of a series is the count of its histogram. Scraped are the OK series of every method, and of the
/// other codes those that occurred.
package final class RPCMetrics: MetricSource {
    /// Names of the methods, as in a request's path: "kassa.v1.Scoring/Score".
    package let methods: [String]
    @usableFromInline let durations: BucketHistogram
    @usableFromInline let methodCount: Int

    /// Number of gRPC status codes.
    @inlinable static var codeCount: Int { 17 }

    /// The label of requests to a method that is none of ours.
    static let otherMethod = "other"

    /// RPCs by method and status.
    package static let requests = MetricFamily(
        .counter, "kassa_rpc_requests_total", help: "RPCs answered.", labels: ["method", "code"])
    /// Their durations by method and status.
    package static let duration = MetricFamily(
        .histogram, "kassa_rpc_duration_seconds",
        help: "Time from a request's headers to its queued reply.", labels: ["method", "code"])

    /// Metrics of these methods, numbered in this order.
    package init(methods: [String]) {
        self.methods = methods
        methodCount = methods.count
        durations = BucketHistogram(
            bounds: .latency, seriesCount: (methods.count + 1) * Self.codeCount)
    }

    /// Records one answered RPC; only the loop that owns the metrics may.
    ///
    /// - Parameters:
    ///   - method: index into ``methods``; any other number is counted as "other".
    ///   - code: the gRPC status code; one that gRPC does not define is counted as UNKNOWN.
    @inlinable
    package func record(method: Int, code: Int, nanoseconds: UInt64) {
        let method = method >= 0 && method < methodCount ? method : methodCount
        let code = code >= 0 && code < Self.codeCount ? code : 2
        durations.record(nanoseconds, series: method * Self.codeCount + code)
    }

    /// The count and the duration.
    package var families: [MetricFamily] { [Self.requests, Self.duration] }

    /// Adds every method with OK, and the other statuses that were recorded.
    package func collect(into snapshot: inout MetricSnapshot) {
        for (method, name) in (methods + [Self.otherMethod]).enumerated() {
            for (code, codeName) in Self.codeNames.enumerated() {
                let histogram = durations.snapshot(series: method * Self.codeCount + code)
                let isListed = code == 0 && method < methodCount
                guard isListed || histogram.count > 0 else { continue }
                snapshot.add(Self.requests, [name, codeName], count: histogram.count)
                snapshot.add(Self.duration, [name, codeName], histogram: histogram)
            }
        }
    }

    /// The names of the gRPC status codes, in their order.
    static let codeNames = [
        "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND",
        "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
        "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS",
        "UNAUTHENTICATED",
    ]
}
