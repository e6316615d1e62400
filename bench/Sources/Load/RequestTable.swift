// SPDX-License-Identifier: Apache-2.0

import Base
import Wire

/// Request messages that were encoded once, so that sending one costs a copy.
struct RequestTable: ~Copyable {
    private var writer: WireWriter
    private var ends: [Int] = []

    /// An empty table with room for `byteCount` bytes.
    init(byteCount: Int = 1 << 16) {
        writer = WireWriter(capacity: byteCount)
    }

    /// Number of requests.
    var count: Int { ends.count }

    /// Adds the request that `encode` writes.
    mutating func add(_ encode: (inout WireWriter) -> Void) {
        encode(&writer)
        ends.append(writer.count)
    }

    /// The request at `index`, without the gRPC prefix.
    subscript(index: Int) -> Span<UInt8> {
        @_lifetime(borrow self)
        get { writer.bytes.extracting((index == 0 ? 0 : ends[index - 1])..<ends[index]) }
    }
}
