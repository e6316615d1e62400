// SPDX-License-Identifier: Apache-2.0

/// How a server is loaded and for how long.
struct LoadPlan {
    enum Arrival {
        /// Each stream sends its next request when the last was answered.
        case closedLoop
        /// Requests are due at a constant rate, whatever the server does; a latency counts from the
        /// moment when its request was due, and so includes what a client that sleeps wakes late.
        case openLoop(perSecond: Int)
    }

    enum Call {
        /// A unary gRPC call of this path with a random request of the table.
        case unary(path: String)
        /// A plain GET of this path.
        case get(path: String)
    }

    var port: UInt16
    var call: Call
    var connections = 1
    /// Requests in flight on each connection, in a closed loop.
    var streams = 1
    var arrival = Arrival.closedLoop
    /// Ask for bytes again and again instead of sleeping until they come.
    var spins = false
    var warmUpSeconds = 0.3
    var seconds = 2.0
    /// The server, if its CPU time is to be counted.
    var serverProcess: Int32?
    var seed: UInt64 = 1
    /// Replies are `WriteResponse`s, whose rows are counted.
    var countsRows = false
}
