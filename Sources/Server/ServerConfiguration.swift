// SPDX-License-Identifier: Apache-2.0

internal import Engine
package import Webhook

/// What a server is told when it starts.
package struct ServerConfiguration: Sendable {
    /// Where everything is kept.
    package var dataFolder = "./kassa-data"
    /// The numeric address that gRPC is served on.
    package var address = "127.0.0.1"
    /// The port of gRPC; 0 takes any free one.
    package var port: UInt16 = 6750
    /// The numeric address of the admin port.
    package var adminAddress = "127.0.0.1"
    /// The port of metrics and health probes; 0 takes any free one.
    package var adminPort: UInt16 = 6751
    /// Event loops; one per core.
    package var loopCount = 1
    /// How long a loop polls after its last request before it sleeps.
    package var pollMicroseconds: UInt64 = 50
    /// Connections open at once on each loop.
    package var connectionsPerLoopMax = 1_000
    /// Address space of the store.
    package var mapBytes = EngineLimits.mapBytes
    /// What the address space of the store may grow to when it is nearly full; 0 for never.
    package var mapBytesMax = 0
    /// Hours in which the background looks at every entry of the store once; 0 means only when asked.
    package var scrubHours = 24
    /// Rest between two sweeps of the store, in seconds; 0 means never to sweep.
    package var sweepSeconds = 600
    /// Where alarms are posted to; nil for nowhere but the log.
    package var webhook: WebhookSettings?
    /// How alarms are written on standard error.
    package var alarmText = AlarmText.auto
    /// Where a harness has the process end at once, as the variable `KASSA_KILL_AT` says; nil for nowhere.
    package var killAt: String?
    /// What the build calls itself in metrics.
    package var version = ""

    /// Loopback, `./kassa-data`, one loop.
    package init() {}
}
