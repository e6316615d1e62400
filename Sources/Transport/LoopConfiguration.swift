// SPDX-License-Identifier: Apache-2.0

/// Where an event loop listens and what it allows.
package struct LoopConfiguration: Sendable {
    /// A numeric address to listen on.
    package var host = "127.0.0.1"
    /// The port to listen on; 0 takes any free one.
    package var port: UInt16 = 0
    /// Connections open at once; further ones are closed when accepted.
    package var connectionsMax = 1_000
    /// How long to poll after the last activity before sleeping.
    package var pollNanoseconds: UInt64 = 50_000
    /// Size of the buffer that all connections are read into.
    package var readBufferBytes = 256 << 10
    /// Bytes read from one connection in one turn.
    package var readBytesPerTurnMax = 1 << 20
    /// Unsent bytes above which a connection is not read from.
    package var backlogBytesMax = 1 << 20
    /// How long a peer may take nothing while bytes wait for it.
    package var writeStallNanosecondsMax: UInt64 = 10_000_000_000

    /// A loop on an ephemeral loopback port.
    package init() {}
}
