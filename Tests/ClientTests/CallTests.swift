// SPDX-License-Identifier: Apache-2.0

import API
import Base
import GRPC
import Glibc
import Testing

@testable import Client

/// Calls against a server in this process, over a real socket.
struct CallTests {
    private let score = KassaV1.ScoringService.score

    private func failure(_ body: () throws -> Void) -> ClientError? {
        do {
            try body()
            return nil
        } catch {
            return error as? ClientError
        }
    }

    @Test func `a call returns its reply`() throws {
        try withServer { server in
            let client = try Client(server: server.address)
            let reply: KassaV1.ScoreResponse = try client.call(
                score, KassaV1.ScoreRequest(scorer: "cart"))
            #expect(reply == KassaV1.ScoreResponse(score: 0.25, model: "cart"))
        }
    }

    @Test func `a server is found by name`() throws {
        try withServer { server in
            let client = try Client(server: "localhost:\(server.port)")
            let reply: KassaV1.ScoreResponse = try client.call(
                score, KassaV1.ScoreRequest(scorer: "cart"))
            #expect(reply.score == 0.25)
        }
    }

    @Test func `replies of many calls come in the order of the requests`() throws {
        try withServer { server in
            let client = try Client(server: server.address)
            let names = (0..<1_000).map { $0 % 10 == 7 ? "missing" : "cart\($0)" }
            let results = try client.calls(
                score, names.map { KassaV1.ScoreRequest(scorer: $0) }, inFlightMax: 100,
                returning: KassaV1.ScoreResponse.self)
            #expect(results.count == 1_000)
            for (name, result) in zip(names, results) {
                switch result {
                case .success(let reply): #expect(reply.model == name)
                case .failure(let error):
                    #expect(name == "missing")
                    #expect(error == .status(.notFound, message: "scorer: there is none, “ä” %"))
                }
            }
        }
    }

    @Test func `more calls in flight than the server allows wait for their turn`() throws {
        try withServer { server in
            let client = try Client(server: server.address)
            let requests = (0..<2_000).map { KassaV1.ScoreRequest(scorer: "cart\($0)") }
            let results = try client.calls(
                score, requests, inFlightMax: 2_000, returning: KassaV1.ScoreResponse.self)
            #expect(try results.map { try $0.get().model } == requests.map(\.scorer))
        }
    }

    @Test func `a status is thrown with its message`() throws {
        try withServer { server in
            let client = try Client(server: server.address)
            let error = failure {
                let _: KassaV1.ScoreResponse = try client.call(
                    score, KassaV1.ScoreRequest(scorer: "missing"))
            }
            #expect(error == .status(.notFound, message: "scorer: there is none, “ä” %"))
            #expect("\(error!)" == "NOT_FOUND: scorer: there is none, “ä” %")
        }
    }

    @Test func `a method that the server lacks is UNIMPLEMENTED`() throws {
        try withServer { server in
            let client = try Client(server: server.address)
            let error = failure {
                let _: KassaV1.ListResponse = try client.call(
                    KassaV1.ConfigService.list, KassaV1.ListRequest())
            }
            guard case .status(.unimplemented, _) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
        }
    }

    @Test func `a reply that is no message is malformed`() throws {
        try withServer { server in
            let client = try Client(server: server.address)
            let error = failure {
                let _: KassaV1.ScoreResponse = try client.call(
                    score, KassaV1.ScoreRequest(scorer: "garbage"))
            }
            guard case .malformedReply(method: score.path, _) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
        }
    }

    @Test func `a silent server is given up in time, and the next call is answered`() throws {
        try withServer { server in
            let client = try Client(server: server.address, timeoutMilliseconds: 50)
            let before = MonotonicTime.now()
            let error = failure {
                let _: KassaV1.ScoreResponse = try client.call(
                    score, KassaV1.ScoreRequest(scorer: "silent"))
            }
            // The server ends the call at the same deadline: whichever is first.
            let timedOut = ClientError.timedOut(
                server: server.address, method: score.path, 50)
            let isStatus =
                if case .status(.deadlineExceeded, _) = error { true } else { false }
            #expect(error == timedOut || isStatus)
            let waited = MonotonicTime.now().nanoseconds(since: before)
            #expect(waited >= 49_000_000)
            #expect(waited < 2_000_000_000)
            client.timeoutMilliseconds = 10_000
            let reply: KassaV1.ScoreResponse = try client.call(
                score, KassaV1.ScoreRequest(scorer: "cart"))
            #expect(reply.model == "cart")
        }
    }

    @Test func `a connection that ends is lost, and stays so`() throws {
        try withServer { server in
            let client = try Client(server: server.address)
            for _ in 0..<2 {
                let error = failure {
                    let _: KassaV1.ScoreResponse = try client.call(
                        score, KassaV1.ScoreRequest(scorer: "hang up"))
                }
                guard case .lost(server.address, _) = error else {
                    Issue.record("\(String(describing: error))")
                    return
                }
            }
        }
    }

    @Test func `where nobody listens, the error says what to start`() throws {
        let server = try ScriptedServer()
        server.stop()
        let error = failure { _ = try Client(server: server.address) }
        guard case .unreachable(server.address, _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect("\(error!)".contains("start one with `kassa serve`"))
    }

    @Test(arguments: [
        "", "localhost", ":6750", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "::1:6750",
        "127.0.0.1:6750x", "[]:6750", "a\0b:6750",
    ])
    func `what is no server address is refused`(text: String) {
        #expect(failure { _ = try Client(server: text) } == .badAddress(text))
    }

    @Test(arguments: [
        ("127.0.0.1:6750", "127.0.0.1"), ("[::1]:6750", "::1"),
        ("shop.example:6750", "shop.example"),
    ])
    func `a server address has a host and a port`(text: String, host: String) throws {
        let address = try ServerAddress(text)
        #expect(address.host == host)
        #expect(address.port == 6_750)
    }
}
