// SPDX-License-Identifier: Apache-2.0

import Admin
import Base
import Metrics
import Synchronization
import Testing

/// Pages over a registry with one sample of every family, and a readiness that a test can change.
final class Process: Sendable {
    let registry = Registry()
    let readiness = Mutex(AdminPages.Readiness.ready)

    var pages: AdminPages {
        AdminPages(
            metrics: { [registry] buffer in
                PrometheusText.write(registry.snapshot(), into: &buffer)
            },
            readiness: { [self] in readiness.withLock { $0 } })
    }

    init() throws {
        let calls = RPCMetrics(methods: ["kassa.v1.Scoring/Score", "kassa.v1.Features/Write"])
        calls.record(method: 0, code: 0, nanoseconds: 84_000)
        calls.record(method: 1, code: 3, nanoseconds: 20_000)
        try registry.register(calls)
        let family = MetricFamily(
            .counter, "kassa_scores_total", help: "Scores computed.", labels: ["scorer", "slot"])
        let scores = LabelledCounters(family, lanes: 1, capacity: 8)
        scores.lane(0).add(3, at: scores.series(["cart_abandonment", "stable"]))
        try registry.register(scores)
        try registry.register(ProcessMetrics())
        let entries = MetricFamily(
            .gauge, "kassa_store_entries", help: "Entries of a table.", labels: ["table"])
        try registry.register([entries]) { snapshot in
            snapshot.add(entries, ["rows"], count: 9)
        }
    }

    func start(limits: AdminLimits = AdminLimits()) throws(AdminError) -> AdminServer {
        try AdminServer.start(port: 0, pages: pages, limits: limits)
    }
}

/// The answer to one request on a connection of its own.
func request(_ port: UInt16, _ line: String, fields: String = "", body: String = "") throws
    -> Response
{
    let connection = try Connection(port: port)
    connection.send(
        "\(line) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\(fields)\r\n\(body)")
    return try #require(Response(try connection.receive()))
}

struct `The admin port` {
    @Test func `gives metrics in the text format`() throws {
        let server = try Process().start()
        let response = try request(server.port, "GET /metrics?x=y")
        #expect(response.status == 200)
        #expect(response.fields["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
        #expect(
            response.body.contains(
                "\nkassa_rpc_requests_total{method=\"kassa.v1.Scoring/Score\",code=\"OK\"} 1\n"))
        #expect(response.fields["content-length"] == String(response.body.utf8.count))
    }

    @Test(arguments: ["/", "/healthz", "/readyz", "/metrics", "/nothing"])
    func `forbids keeping and guessing for every page`(path: String) throws {
        let server = try Process().start()
        let response = try request(server.port, "GET \(path)")
        #expect(response.fields["cache-control"] == "no-store")
        #expect(response.fields["x-content-type-options"] == "nosniff")
        #expect(response.fields["content-type"]?.hasPrefix("text/plain") == true)
    }

    @Test(arguments: ["/", "/healthz", "/readyz", "/nothing"])
    func `answers HEAD like GET without the body`(path: String) throws {
        let server = try Process().start()
        let get = try request(server.port, "GET \(path)")
        let head = try request(server.port, "HEAD \(path)")
        #expect(head.status == get.status)
        #expect(head.fields["content-length"] == String(get.body.utf8.count))
        #expect(head.fields["content-type"] == get.fields["content-type"])
        #expect(head.body == "")
        #expect(get.body != "")
    }

    @Test func `tells the reason while it is not ready`() throws {
        let process = try Process()
        let server = try process.start()
        #expect(try request(server.port, "GET /readyz").status == 200)
        process.readiness.withLock { $0 = .notReady(reason: "draining") }
        let response = try request(server.port, "GET /readyz")
        #expect(response.status == 503)
        #expect(response.body == "not ready: draining\n")
        #expect(try request(server.port, "GET /healthz").status == 200)
        process.readiness.withLock { $0 = .ready }
        #expect(try request(server.port, "GET /readyz").status == 200)
    }

    @Test func `names its pages`() throws {
        let server = try Process().start()
        let response = try request(server.port, "GET /")
        #expect(response.status == 200)
        for path in ["/metrics", "/healthz", "/readyz"] { #expect(response.body.contains(path)) }
    }

    @Test(arguments: [
        "/nothing", "/metrics/", "/Metrics", "//", "/%ff%fe", "/..%2fmetrics",
    ])
    func `has no other page`(path: String) throws {
        let server = try Process().start()
        #expect(try request(server.port, "GET \(path)").status == 404)
    }

    @Test(arguments: ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "get", "BREW"])
    func `refuses other methods and names those that it takes`(method: String) throws {
        let server = try Process().start()
        let response = try request(server.port, "\(method) /metrics")
        #expect(response.status == 405)
        #expect(response.fields["allow"] == "GET, HEAD")
    }

    @Test func `refuses a method with a body without reading it`() throws {
        let server = try Process().start()
        let response = try request(
            server.port, "POST /metrics", fields: "Content-Length: 1000000000\r\n", body: "x")
        #expect(response.status == 405)
    }

    @Test(arguments: ["Content-Length: 1\r\n", "Transfer-Encoding: chunked\r\n"])
    func `accepts no body`(field: String) throws {
        let server = try Process().start()
        let response = try request(
            server.port, "GET /metrics", fields: field,
            body: field.hasPrefix("C") ? "x" : "1\r\nx\r\n0\r\n\r\n")
        #expect(response.status == 413)
    }

    @Test func `takes a request that announces an empty body`() throws {
        let server = try Process().start()
        let response = try request(server.port, "GET /healthz", fields: "Content-Length: 0\r\n")
        #expect(response.status == 200)
    }

    @Test func `takes a request that comes byte by byte`() throws {
        let server = try Process().start()
        let connection = try Connection(port: server.port)
        for byte in "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".unicodeScalars {
            connection.send(String(byte))
        }
        #expect(Response(try connection.receive())?.body == "ok\n")
    }

    @Test func `answers several requests of one connection`() throws {
        let server = try Process().start()
        let connection = try Connection(port: server.port)
        for _ in 0..<3 {
            connection.send("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
            let text = try connection.receive { $0.hasSuffix("ok\n") }
            #expect(Response(text)?.status == 200)
        }
    }

    @Test func `refuses headers above its limit and goes on`() throws {
        let limits = AdminLimits()
        let server = try Process().start(limits: limits)
        let fitting = String(repeating: "a", count: limits.connectionMemoryBytes / 4)
        #expect(try request(server.port, "GET /healthz", fields: "X: \(fitting)\r\n").status == 200)
        let excessive = String(repeating: "a", count: limits.connectionMemoryBytes)
        let refused = try request(server.port, "GET /healthz", fields: "X: \(excessive)\r\n")
        #expect(refused.status == 431)
        let line = try request(server.port, "GET /\(excessive)")
        #expect(line.status == 414)
        #expect(try request(server.port, "GET /healthz").status == 200)
    }

    @Test(arguments: [
        "\0\0\0\0\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nContent-Length: -1\r\nHost: a\r\n\r\n",
    ])
    func `outlives what is not HTTP 1.1`(garbage: String) throws {
        let server = try Process().start(limits: AdminLimits(idleTimeoutSeconds: 1))
        let connection = try Connection(port: server.port)
        connection.send(garbage)
        let text = (try? connection.receive()) ?? ""
        #expect(!text.hasPrefix("HTTP/1.1 200"))
        #expect(try request(server.port, "GET /healthz").status == 200)
    }

    @Test func `holds its limit of connections and serves the next when one ends`() throws {
        let server = try Process().start(limits: AdminLimits(connectionsMax: 2))
        let question = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
        let first = try Connection(port: server.port)
        first.send(question)
        #expect(try first.receive { $0.hasSuffix("ok\n") }.contains("200"))
        do {
            let second = try Connection(port: server.port)
            second.send(question)
            #expect(try second.receive { $0.hasSuffix("ok\n") }.contains("200"))
            let third = try Connection(port: server.port)
            third.send(question)
            let early = third.hasInput(withinMilliseconds: 200)
            #expect(!early)
        }
        let next = try Connection(port: server.port)
        next.send(question)
        #expect(try next.receive { $0.hasSuffix("ok\n") }.contains("200"))
    }

    @Test func `closes a connection that says nothing`() throws {
        let server = try Process().start(limits: AdminLimits(idleTimeoutSeconds: 1))
        let connection = try Connection(port: server.port)
        connection.send("GET /healthz HTTP/1.1\r\nHos")
        #expect(try !connection.receive().hasPrefix("HTTP/1.1 200"))
    }

    @Test func `is free again once it has stopped`() throws {
        let process = try Process()
        let server = try process.start()
        let port = server.port
        #expect(try request(port, "GET /healthz").status == 200)
        server.stop()
        #expect(throws: Connection.Failure.self) { _ = try Connection(port: port) }
        let again = try AdminServer.start(port: port, pages: process.pages)
        #expect(try request(again.port, "GET /healthz").status == 200)
    }
}

struct `Opening the admin port` {
    @Test func `names the port that is in use`() throws {
        let process = try Process()
        let server = try process.start()
        let port = server.port
        do throws(AdminError) {
            _ = try AdminServer.start(port: port, pages: process.pages)
            Issue.record("two servers share a port")
        } catch {
            #expect(error == .addressInUse(address: "127.0.0.1", port: port))
            #expect(
                error.description == "admin port \(port) on 127.0.0.1 is in use by another process")
        }
    }

    @Test(arguments: ["localhost", "", "127.0.0.1:80", "1.2.3", "::g"])
    func `refuses what is no address`(address: String) throws {
        do throws(AdminError) {
            _ = try AdminServer.start(address: address, port: 0, pages: try! Process().pages)
            Issue.record("opened")
        } catch {
            #expect(error == .invalidAddress(address))
        }
    }

    @Test func `refuses an address that is not the machine's`() throws {
        do throws(AdminError) {
            _ = try AdminServer.start(address: "192.0.2.1", port: 0, pages: try! Process().pages)
            Issue.record("opened")
        } catch {
            #expect(error == .addressUnavailable(address: "192.0.2.1"))
        }
    }
}
