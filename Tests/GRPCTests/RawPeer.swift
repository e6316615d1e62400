// SPDX-License-Identifier: Apache-2.0

import Base
import CNGHTTP2

@testable import GRPC

/// A frame as the server sent it.
struct RawFrame {
    let type: UInt8
    let flags: UInt8
    let stream: UInt32
    let payload: [UInt8]

    /// The error code of a RST_STREAM or GOAWAY frame.
    var errorCode: UInt32? {
        switch type {
        case 3 where payload.count == 4: number(payload[0..<4])
        case 7 where payload.count >= 8: number(payload[4..<8])
        default: nil
        }
    }

    private func number(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        bytes.reduce(0) { $0 << 8 | UInt32($1) }
    }
}

/// A client that writes frames by hand, so that it may do what no library lets it do.
@safe final class RawPeer {
    static let methods = MethodTable([
        .init(path: "/t.T/Unary", kind: .unary, tag: 7),
        .init(path: "/t.T/Up", kind: .clientStreaming, tag: 8),
        .init(path: "/t.T/Down", kind: .serverStreaming, tag: 9),
        .init(path: "/t.T/Both", kind: .bidirectional, tag: 10),
    ])
    static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    let server: ServerSession
    var now: MonotonicTime
    var frames: [RawFrame] = []
    var events: [String] = []
    /// Answers unary calls with their own message when true.
    var answers = true
    private var inflater: OpaquePointer!
    private var unparsed: [UInt8] = []

    init(
        limits: Limits = Limits(), greets: Bool = true, memory: SessionMemory = SessionMemory()
    ) {
        now = MonotonicTime(nanoseconds: 1_000_000_000_000)
        server = ServerSession(
            methods: Self.methods, limits: limits, memory: memory, now: now)
        unsafe nghttp2_hd_inflate_new(&inflater)
        if greets {
            send(Self.preface + Self.frame(4, 0, 0, []) + Self.frame(4, 1, 0, []))
            frames = []
        }
    }

    deinit { unsafe nghttp2_hd_inflate_del(inflater) }

    /// Sends bytes, lets the handler answer, and collects what the server says.
    @discardableResult
    func send(_ bytes: [UInt8]) -> ServerSession.Outcome {
        let outcome = server.receive(bytes.span, now: now)
        handle()
        collect()
        return outcome
    }

    func tick(afterNanoseconds nanoseconds: UInt64) {
        now = now.advanced(byNanoseconds: nanoseconds)
        server.tick(now: now)
        handle()
        collect()
    }

    func handle() {
        while let event = server.nextEvent() {
            switch event {
            case .message(let call):
                events.append("message \(call.method) \(call.message.count)")
                if answers { server.replyAndFinish(call, message: call.message) }
            case .halfClosed(let call): events.append("halfClosed \(call.method)")
            case .cancelled(let call): events.append("cancelled \(call.method)")
            }
        }
    }

    func collect() {
        var buffer = ByteBuffer(capacity: 1_024)
        while server.wantsProduce {
            buffer.removeAll()
            server.produce(into: &buffer, now: now)
            if buffer.count == 0 { break }
            for index in 0..<buffer.count { unparsed.append(buffer.bytes[index]) }
        }
        while unparsed.count >= 9 {
            let length = Int(unparsed[0]) << 16 | Int(unparsed[1]) << 8 | Int(unparsed[2])
            guard unparsed.count >= 9 + length else { break }
            let stream = unparsed[5..<9].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            frames.append(
                RawFrame(
                    type: unparsed[3], flags: unparsed[4], stream: stream,
                    payload: Array(unparsed[9..<(9 + length)])))
            unparsed.removeFirst(9 + length)
        }
    }

    /// All header fields sent so far on `stream`, as `name: value`; can be asked once per frame.
    func fields() -> [String] {
        var fields: [String] = []
        for frame in frames where frame.type == 1 {
            var offset = 0
            while offset < frame.payload.count {
                var field = unsafe nghttp2_nv()
                var flags: Int32 = 0
                let taken = unsafe frame.payload[offset...].withUnsafeBufferPointer {
                    unsafe nghttp2_hd_inflate_hd2(
                        inflater, &field, &flags, $0.baseAddress, $0.count, 1)
                }
                guard taken >= 0 else { break }
                offset += taken
                if flags & Int32(NGHTTP2_HD_INFLATE_EMIT.rawValue) != 0 {
                    let name = unsafe UnsafeBufferPointer(start: field.name, count: field.namelen)
                    let value = unsafe UnsafeBufferPointer(
                        start: field.value, count: field.valuelen)
                    fields.append(
                        unsafe String(decoding: name, as: UTF8.self) + ": "
                            + String(decoding: value, as: UTF8.self))
                }
                if taken == 0 { break }
            }
            unsafe nghttp2_hd_inflate_end_headers(inflater)
        }
        frames.removeAll { $0.type == 1 }
        return fields
    }

    /// The code of the GOAWAY that the server sent, if any.
    var goaway: UInt32? { frames.last { $0.type == 7 }?.errorCode }
    /// Codes of the stream resets that the server sent.
    var resets: [UInt32] { frames.filter { $0.type == 3 }.compactMap(\.errorCode) }

    static func frame(
        _ type: UInt8, _ flags: UInt8, _ stream: UInt32, _ payload: [UInt8]
    ) -> [UInt8] {
        let length = payload.count
        return [
            UInt8(length >> 16), UInt8(length >> 8 & 255), UInt8(length & 255), type, flags,
            UInt8(stream >> 24), UInt8(stream >> 16 & 255), UInt8(stream >> 8 & 255),
            UInt8(stream & 255),
        ] + payload
    }

    /// A literal field without indexing or Huffman code.
    static func field(_ name: String, _ value: String) -> [UInt8] {
        precondition(name.utf8.count < 127)
        var bytes: [UInt8] = [0, UInt8(name.utf8.count)] + Array(name.utf8)
        var count = value.utf8.count
        if count < 127 {
            bytes.append(UInt8(count))
        } else {
            bytes.append(127)
            count -= 127
            while count >= 128 {
                bytes.append(UInt8(count & 127 | 128))
                count >>= 7
            }
            bytes.append(UInt8(count))
        }
        return bytes + Array(value.utf8)
    }

    static let ordinaryFields = [
        (":method", "POST"), (":scheme", "http"), (":path", "/t.T/Unary"), (":authority", "t"),
        ("te", "trailers"), ("content-type", "application/grpc"),
    ]

    /// A HEADERS frame; `changes` replace, add, or (nil) drop fields of an ordinary request.
    static func headers(
        _ stream: UInt32, ends: Bool = false, _ changes: [(String, String?)] = []
    ) -> [UInt8] {
        var fields = ordinaryFields
        for (name, value) in changes {
            let place = fields.firstIndex { $0.0 == name }
            if let place, let value {
                fields[place].1 = value
            } else if let place {
                fields.remove(at: place)
            } else if let value {
                fields.append((name, value))
            }
        }
        let block = fields.flatMap { field($0.0, $0.1) }
        return frame(1, ends ? 5 : 4, stream, block)
    }

    /// A message with its prefix.
    static func message(_ bytes: [UInt8], flag: UInt8 = 0) -> [UInt8] {
        let count = bytes.count
        return [
            flag, UInt8(count >> 24), UInt8(count >> 16 & 255), UInt8(count >> 8 & 255),
            UInt8(count & 255),
        ] + bytes
    }

    static func data(_ stream: UInt32, ends: Bool = true, _ bytes: [UInt8]) -> [UInt8] {
        frame(0, ends ? 1 : 0, stream, bytes)
    }
}

extension ServerSession {
    /// Ends the call with its one reply and status 0.
    func replyAndFinish(_ call: Call, message: Span<UInt8>) {
        reply(call, message: message)
        finish(call, status: .ok)
    }
}
