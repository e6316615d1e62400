// SPDX-License-Identifier: Apache-2.0

import Glibc
import Server
import Testing

struct `A server` {
    @Test func `that has drained lets another one have its folder`() throws {
        var configuration = ServerConfiguration()
        configuration.dataFolder = "/tmp/kassa-server-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        configuration.port = 0
        configuration.adminPort = 0
        configuration.loopCount = 2
        configuration.mapBytes = 1 << 30
        for _ in 0..<2 {
            let server = try Server(configuration)
            server.start()
            server.drain()
        }
        // One that cannot start gives its folder back, too.
        let other = try Server(configuration)
        other.start()
        var second = configuration
        second.dataFolder += "-second"
        for isAdmin in [false, true] {
            var taken = second
            if isAdmin { taken.adminPort = other.adminPort } else { taken.address = "192.0.2.1" }
            #expect(throws: ServerError.self) { try Server(taken) }
        }
        let server = try Server(second)
        server.start()
        server.drain()
        other.drain()
        for name in ["data.mdb", "lock.mdb", "bundles", ""] {
            _ = unsafe remove("\(second.dataFolder)/\(name)")
        }
        for name in ["data.mdb", "lock.mdb", "bundles"] {
            _ = unsafe remove("\(configuration.dataFolder)/\(name)")
        }
    }
}
