// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Engine
import GRPC
import Testing
import Wire

@testable import Server

struct `An upload` {
    /// The header of an upload of so many bytes.
    private func header(byteCount: Int) -> [UInt8] {
        KassaV1.UploadRequest(
            part: .spec(
                KassaV1.ModelSpec(
                    name: "m", format: .xgboostJson, sha256: [UInt8](repeating: 0, count: 32),
                    byteCount: UInt64(byteCount),
                    inputs: [KassaV1.ModelInput(featureSet: "cart@1", feature: "items")],
                    golden: [KassaV1.GoldenRow(row: [1], score: 0.5)]))
        ).encodedBytes()
    }

    private func chunk(byteCount: Int) -> [UInt8] {
        KassaV1.UploadRequest(part: .chunk([UInt8](repeating: 1, count: byteCount))).encodedBytes()
    }

    private let stallSeconds = Double(StreamLimits.uploadStallNanosecondsMax) / 1e9

    @Test func `that sends nothing gives its memory to others`() throws {
        let desk = try Desk()
        defer { desk.control.stop() }
        let large = header(byteCount: ArtefactFiles.byteCountMax)
        for tag in 1...3 { _ = desk.open(.upload, tag: tag, large) }
        #expect(desk.statuses == [3: .resourceExhausted])
        desk.wait(seconds: stallSeconds - 0.1)
        #expect(desk.statuses == [3: .resourceExhausted])
        #expect(desk.connection.nextDeadline <= desk.now.advanced(byNanoseconds: 100_000_000))
        desk.wait(seconds: 0.1)
        #expect(desk.statuses[1] == .deadlineExceeded)
        #expect(desk.statuses[2] == .deadlineExceeded)
        for tag in 4...5 { _ = desk.open(.upload, tag: tag, large) }
        #expect(desk.statuses[4] == nil)
        #expect(desk.statuses[5] == nil)
    }

    @Test(arguments: [0, 1])
    func `goes on while enough of it comes, and not with a byte less`(missing: Int) throws {
        let desk = try Desk()
        defer { desk.control.stop() }
        let id = try #require(desk.open(.upload, tag: 1, header(byteCount: 1 << 20)))
        desk.wait(seconds: stallSeconds - 1)
        let progress = chunk(byteCount: StreamLimits.uploadProgressBytes - missing)
        desk.client.send(id, message: progress.span)
        desk.run()
        desk.wait(seconds: 2)
        #expect((desk.statuses[1] == nil) == (missing == 0))
        desk.wait(seconds: stallSeconds)
        #expect(desk.statuses[1] == .deadlineExceeded)
    }

    @Test func `that has ended is not hurried while it waits to be verified`() throws {
        let desk = try Desk()
        let gate = desk.occupyControlThread()
        let id = try #require(desk.open(.upload, tag: 1, header(byteCount: 1)))
        desk.client.send(id, message: chunk(byteCount: 1).span)
        desk.client.halfClose(id)
        desk.run()
        desk.wait(seconds: 3 * stallSeconds)
        #expect(desk.statuses.isEmpty)
        gate.open()
        desk.control.stop()
    }
}
