// SPDX-License-Identifier: Apache-2.0

/// How many messages a call carries in each direction.
package enum MethodKind: Sendable {
    case unary, clientStreaming, serverStreaming, bidirectional

    /// Whether a call has exactly one request message.
    var hasSingleRequest: Bool { self == .unary || self == .serverStreaming }
    /// Whether a call has exactly one reply message.
    var hasSingleReply: Bool { self == .unary || self == .clientStreaming }
}

/// The methods a server answers, found by the bytes of their path.
///
/// Open addressing over a hash of the path's length and last bytes; a look-up allocates nothing and
/// compares the whole path once.
package struct MethodTable: Sendable {
    /// One method: its path (`/package.Service/Method`), kind, and the tag its calls carry.
    package struct Method: Sendable {
        /// The path of its requests, "/package.Service/Method".
        package let path: String
        /// Which side streams.
        package let kind: MethodKind
        /// What its calls carry for the handler to tell them apart.
        package let tag: Int

        /// A method of that path.
        package init(path: String, kind: MethodKind, tag: Int) {
            self.path = path
            self.kind = kind
            self.tag = tag
        }
    }

    /// The methods, in the order they were given.
    package let methods: [Method]
    private let paths: [[UInt8]]
    /// Index of a method plus one, or 0 where empty; a power of two long, at most half full.
    private let buckets: [UInt16]

    /// A table of `methods`, whose paths must differ.
    package init(_ methods: [Method]) {
        precondition(methods.count < 4_096)
        self.methods = methods
        paths = methods.map { Array($0.path.utf8) }
        var size = 16
        while size < methods.count * 2 + 2 { size *= 2 }
        var buckets = [UInt16](repeating: 0, count: size)
        for (index, path) in paths.enumerated() {
            var bucket = Self.hash(path.span) & (size - 1)
            while buckets[bucket] != 0 {
                precondition(
                    paths[Int(buckets[bucket]) - 1] != path, "a method is registered twice")
                bucket = (bucket + 1) & (size - 1)
            }
            buckets[bucket] = UInt16(index + 1)
        }
        self.buckets = buckets
    }

    /// The index in ``methods`` of `path`, or nil for an unknown one.
    func index(of path: Span<UInt8>) -> Int? {
        var bucket = Self.hash(path) & (buckets.count - 1)
        while buckets[bucket] != 0 {
            let index = Int(buckets[bucket]) - 1
            if isPath(index, path) { return index }
            bucket = (bucket + 1) & (buckets.count - 1)
        }
        return nil
    }

    private func isPath(_ index: Int, _ path: Span<UInt8>) -> Bool {
        guard paths[index].count == path.count else { return false }
        for offset in path.indices where paths[index][offset] != path[offset] { return false }
        return true
    }

    private static func hash(_ path: Span<UInt8>) -> Int {
        var hash = UInt64(truncatingIfNeeded: path.count)
        var index = max(0, path.count - 8)
        while index < path.count {
            hash = (hash << 7 | hash >> 57) ^ UInt64(path[index])
            index += 1
        }
        hash = hash &* 0x9E37_79B9_7F4A_7C15
        return Int(truncatingIfNeeded: hash >> 40)
    }
}
