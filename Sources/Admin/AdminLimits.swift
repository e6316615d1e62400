// SPDX-License-Identifier: Apache-2.0

/// What the admin port allows its clients.
package struct AdminLimits: Sendable {
    /// Connections open at a time; more wait in the kernel's queue.
    package var connectionsMax: UInt32
    /// Seconds without a byte after which a connection is closed.
    package var idleTimeoutSeconds: UInt32
    /// Memory of a connection, which bounds a request's line and headers together.
    package var connectionMemoryBytes: Int

    /// Limits of which any may be given; the others are those of a server.
    package init(
        connectionsMax: UInt32 = 32, idleTimeoutSeconds: UInt32 = 10,
        connectionMemoryBytes: Int = 16_384
    ) {
        self.connectionsMax = connectionsMax
        self.idleTimeoutSeconds = idleTimeoutSeconds
        self.connectionMemoryBytes = connectionMemoryBytes
    }
}
