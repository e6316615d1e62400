// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import GRPC
internal import Transport

/// The connection with what waits on either side of it.
struct ClientSocket: ~Copyable {
    /// Bytes read from the socket at once.
    private static let readByteCount = 64 << 10

    /// What is at the other end has not begun as an HTTP/2 server does: with a frame of type
    /// SETTINGS, 4 (RFC 9113, section 3.4).
    private(set) var isForeign = true
    private var hasReceived = false

    private let connection: ClientConnection
    private var output = ByteBuffer(capacity: 64 << 10)
    private var outputSent = 0
    private var input = ByteBuffer(capacity: readByteCount)

    init(_ connection: consuming ClientConnection) {
        self.connection = connection
    }

    /// Sends what `session` has to say as far as the socket takes it, waits until `deadline` for
    /// more to send or receive, and gives what has arrived to `session`.
    ///
    /// False if the deadline has passed.
    mutating func exchange(
        _ session: ClientSession, until deadline: MonotonicTime
    ) throws(SocketError) -> Bool {
        try flush(session)
        let now = MonotonicTime.now()
        guard now < deadline else { return false }
        // Rounded up, so that the last part of a millisecond is waited for as well.
        let left = (deadline.nanoseconds(since: now) + 999_999) / 1_000_000
        let isReady = try connection.wait(
            forSending: outputSent < output.count, timeoutMilliseconds: Int32(clamping: left))
        if isReady { try receive(session) }
        return true
    }

    private mutating func flush(_ session: ClientSession) throws(SocketError) {
        while true {
            if outputSent == output.count {
                output.removeAll()
                outputSent = 0
                guard session.wantsProduce else { return }
                session.produce(into: &output)
                if output.isEmpty { return }
            }
            outputSent += try connection.sendAvailable(
                output.bytes.extracting(droppingFirst: outputSent))
            if outputSent < output.count { return }
        }
    }

    private mutating func receive(_ session: ClientSession) throws(SocketError) {
        input.removeAll()
        let count = try connection.receiveAvailable(
            into: &input, byteCountMax: Self.readByteCount)
        guard count != nil else { return }
        if !hasReceived { isForeign = input.count < 4 || input.bytes[3] != 4 }
        hasReceived = true
        _ = session.receive(input.bytes)
    }
}
