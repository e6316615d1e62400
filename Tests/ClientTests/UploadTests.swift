// SPDX-License-Identifier: Apache-2.0

import API
import GRPC
import Glibc
import Testing

@testable import Client

/// Streams of requests against a server in this process.
struct UploadTests {
    private let upload = KassaV1.ModelsService.upload

    private func chunks(_ count: Int, byteCount: Int) -> some Sequence<KassaV1.UploadRequest> {
        let bytes = [UInt8](repeating: 7, count: byteCount)
        return (0..<count).lazy.map { _ in KassaV1.UploadRequest(part: .chunk(bytes)) }
    }

    /// Bytes of this process that are resident.
    private func residentByteCount() -> Int {
        guard let file = unsafe fopen("/proc/self/statm", "r") else { return 0 }
        defer { unsafe fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        guard unsafe fgets(&line, 256, file) != nil else { return 0 }
        let text = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self)
        return (Int(text.split(separator: " ")[1]) ?? 0) * 4_096
    }

    @Test func `every byte of an upload arrives`() throws {
        try withServer { server in
            let client = try Client(server: server.address)
            let reply: KassaV1.UploadResponse = try client.call(
                upload, sending: chunks(100, byteCount: 65_537))
            #expect(reply.model?.trees == 100)
            #expect(reply.model?.spec?.byteCount == 6_553_700)
        }
    }

    @Test func `an upload of nothing is answered`() throws {
        try withServer { server in
            let client = try Client(server: server.address)
            let reply: KassaV1.UploadResponse = try client.call(
                upload, sending: [KassaV1.UploadRequest]())
            #expect(reply.model?.trees == 0)
        }
    }

    @Test func `a large upload takes no more memory than a small one`() throws {
        try withServer { server in
            let client = try Client(server: server.address)
            let _: KassaV1.UploadResponse = try client.call(
                upload, sending: chunks(16, byteCount: 256 << 10))
            let before = residentByteCount()
            let reply: KassaV1.UploadResponse = try client.call(
                upload, sending: chunks(256, byteCount: 256 << 10))
            #expect(reply.model?.spec?.byteCount == 68 << 20)
            // Other tests run meanwhile; the upload is 64 MiB.
            #expect(residentByteCount() - before < 32 << 20)
        }
    }

    @Test func `a refusal ends the upload before its end`() throws {
        try withServer { server in
            let client = try Client(server: server.address)
            let stream = try ClientUpload(client, upload)
            _ = try stream.send(
                KassaV1.UploadRequest(part: .spec(KassaV1.ModelSpec(name: "refused"))))
            var sent = 0
            for chunk in chunks(1_000, byteCount: 256 << 10) {
                guard try stream.send(chunk) else { break }
                sent += 1
            }
            #expect(sent < 1_000)
            do throws(ClientError) {
                let _: KassaV1.UploadResponse = try stream.finish()
                Issue.record("the upload was taken")
            } catch {
                #expect(
                    error == ClientError.status(.invalidArgument, message: "spec.name: refused"))
            }
            // The connection is as good as before.
            let reply: KassaV1.ScoreResponse = try client.call(
                KassaV1.ScoringService.score, KassaV1.ScoreRequest(scorer: "cart"))
            #expect(reply.model == "cart")
        }
    }

    @Test func `an upload that is dropped leaves the connection usable`() throws {
        try withServer { server in
            let client = try Client(server: server.address)
            do {
                let stream = try ClientUpload(client, upload)
                for chunk in chunks(8, byteCount: 256 << 10) { _ = try stream.send(chunk) }
            }
            let reply: KassaV1.UploadResponse = try client.call(
                upload, sending: chunks(1, byteCount: 10))
            #expect(reply.model != nil)
        }
    }
}
