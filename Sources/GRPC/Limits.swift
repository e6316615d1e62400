// SPDX-License-Identifier: Apache-2.0

/// What a session accepts before it refuses a call or gives up a connection.
package struct Limits: Sendable {
    /// Streams a peer may have open (SETTINGS_MAX_CONCURRENT_STREAMS).
    package var concurrentStreamsMax = 128
    /// Calls a session holds, closed streams with a running handler included.
    package var callsMax = 256
    /// Bytes of one request message.
    package var messageBytesMax = 4 << 20
    /// Request bytes that all calls of a connection may hold together.
    package var receivedBytesMax = 16 << 20
    /// Flow-control window of a stream in bytes.
    package var streamWindowBytes = 256 << 10
    /// Flow-control window of a connection in bytes.
    package var connectionWindowBytes = 1 << 20
    /// Header bytes of a request, counted as HPACK does (name + value + 32).
    package var headerBytesMax = 16 << 10
    /// Header fields of a request.
    package var headerFieldsMax = 100
    /// Requests with too many headers before the connection goes.
    package var headerViolationsMax = 3
    /// CONTINUATION frames of one header block.
    package var continuationFramesMax = 4
    /// SETTINGS entries in one frame.
    package var settingsEntriesMax = 32
    /// Queued PING and SETTINGS acknowledgements.
    package var outboundAcknowledgementsMax = 100
    /// Frames waiting to be sent.
    package var outboundFramesMax = 5_000
    /// Stream resets a peer may send at once, and then per second.
    package var resetsBurstMax: UInt64 = 4_000
    /// Stream resets per second after the burst.
    package var resetsPerSecondMax: UInt64 = 1_000
    /// Requests after which no more than half may be reset while young.
    package var resetsJudgedMin = 500
    /// Age under which a reset stream counts as young.
    package var youngStreamNanoseconds: UInt64 = 1_000_000_000
    /// Stream resets that a peer may make us send, per window.
    package var resetsProvokedMax = 100
    /// The length of that window.
    package var resetsProvokedWindowSeconds: UInt64 = 10
    /// SETTINGS frames per minute.
    package var settingsPerMinuteMax = 20
    /// PRIORITY frames: this many, and this many per request.
    package var priorityFramesPerRequest = 100
    /// Empty DATA frames in a row on one stream.
    package var emptyDataFramesMax = 10
    /// How long a peer may take to acknowledge our SETTINGS.
    package var settingsTimeoutNanoseconds: UInt64 = 5_000_000_000
    /// Time a unary call has when its request names none, and the most that it gets. A streaming
    /// call lasts as long as its request says.
    package var callTimeoutNanosecondsMax: UInt64 = 10_000_000_000
    /// Time that the headers of a request may take to arrive whole.
    package var headersTimeoutNanosecondsMax: UInt64 = 5_000_000_000
    /// How long a finished call's reply may wait without the peer taking any of it.
    package var replyStallNanosecondsMax: UInt64 = 10_000_000_000
    /// Reply bytes of a connection that may wait; above it no further calls are handed out.
    package var pendingReplyBytesMax = 1 << 20
    /// A connection without calls is closed after this time.
    package var idleNanosecondsMax: UInt64 = 600_000_000_000
    /// Age at which a connection is drained, give or take a tenth.
    package var ageNanosecondsMax: UInt64 = 3_600_000_000_000
    /// How long a drain waits for its ping before the last GOAWAY goes out.
    package var drainPingNanosecondsMax: UInt64 = 1_000_000_000
    /// How long open calls may take to end once a drain has begun.
    package var drainNanosecondsMax: UInt64 = 30_000_000_000
    /// Bytes of a percent-encoded `grpc-message`.
    package var statusMessageBytesMax = 1_024

    /// The limits that a server starts with.
    package init() {}
}

/// Nanoseconds in a second.
let nanosecondsPerSecond: UInt64 = 1_000_000_000
