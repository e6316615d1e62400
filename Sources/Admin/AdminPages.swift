// SPDX-License-Identifier: Apache-2.0

package import Base
internal import Metrics

/// What the admin port answers to a request: a function of method, path and the process's state.
package struct AdminPages: Sendable {
    /// Whether the process wants new calls.
    package enum Readiness: Hashable, Sendable {
        case ready
        /// The reason, in a few words: "draining".
        case notReady(reason: String)
    }

    /// Appends the metrics in Prometheus' text format.
    package let metrics: @Sendable (inout ByteBuffer) -> Void
    /// Tells whether the process wants new calls.
    package let readiness: @Sendable () -> Readiness

    /// Pages that ask these functions at each request, on the thread that serves it.
    package init(
        metrics: @escaping @Sendable (inout ByteBuffer) -> Void,
        readiness: @escaping @Sendable () -> Readiness
    ) {
        self.metrics = metrics
        self.readiness = readiness
    }

    private static let plain = "text/plain; charset=utf-8"

    private static let index = """
        Kassa
        /metrics  metrics in Prometheus' text format
        /healthz  200 while the process lives
        /readyz   200 while the process wants calls, else 503 and the reason

        """

    /// The answer to a request.
    ///
    /// - Parameters:
    ///   - path: decoded, without the query.
    ///   - hasBody: whether the request announces a body.
    func response(method: String, path: String, hasBody: Bool) -> AdminResponse {
        guard method == "GET" || method == "HEAD" else {
            return AdminResponse(status: 405, type: Self.plain, text: "only GET and HEAD\n")
        }
        guard !hasBody else {
            return AdminResponse(status: 413, type: Self.plain, text: "no body is accepted\n")
        }
        switch path {
        case "/":
            return AdminResponse(status: 200, type: Self.plain, text: Self.index)
        case "/healthz":
            return AdminResponse(status: 200, type: Self.plain, text: "ok\n")
        case "/readyz":
            switch readiness() {
            case .ready:
                return AdminResponse(status: 200, type: Self.plain, text: "ready\n")
            case .notReady(let reason):
                return AdminResponse(status: 503, type: Self.plain, text: "not ready: \(reason)\n")
            }
        case "/metrics":
            var response = AdminResponse(status: 200, type: PrometheusText.contentType, text: "")
            metrics(&response.body)
            return response
        default:
            return AdminResponse(status: 404, type: Self.plain, text: "no such page\n")
        }
    }
}
