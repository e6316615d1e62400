// SPDX-License-Identifier: Apache-2.0

internal import Base

extension Call {
    /// Takes note of one request header field; fields that gRPC gives no meaning are skipped.
    func takeHeader(name: Span<UInt8>, value: Span<UInt8>, methods: MethodTable) {
        switch name.count {
        case 5 where equals(name, ":path"):
            if let index = methods.index(of: value) {
                isKnownMethod = true
                method = methods.methods[index].tag
                kind = methods.methods[index].kind
            }
        case 7 where equals(name, ":method"):
            isPost = equals(value, "POST")
        case 2 where equals(name, "te"):
            // nghttp2 has refused any value but `trailers`.
            hasTE = true
        case 12 where equals(name, "content-type"):
            hasGRPCContentType = hasGRPCPrefix(value)
        case 12 where equals(name, "grpc-timeout"):
            if let nanoseconds = GRPC.timeoutNanoseconds(value) {
                timeoutNanoseconds = nanoseconds
            } else {
                hasBadTimeout = true
            }
        case 13 where equals(name, "grpc-encoding"):
            hasUnknownEncoding = !equals(value, "identity")
        default:
            break
        }
    }

    /// What is wrong with the headers, or nil if the call may go on. A request without `:authority` and
    /// `host` does not come here: nghttp2 resets its stream (RFC 9113, section 8.1.1).
    func headerVerdict() -> Refusal? {
        if !isPost { return .notAPost }
        if !hasGRPCContentType { return .notGRPC }
        if !isKnownMethod { return .unknownMethod }
        if hasBadTimeout { return .badTimeout }
        if hasUnknownEncoding { return .unknownEncoding }
        return nil
    }

    /// `application/grpc`, alone or followed by `+format` or `;parameters`.
    private func hasGRPCPrefix(_ value: Span<UInt8>) -> Bool {
        let prefix: StaticString = "application/grpc"
        let length = prefix.utf8CodeUnitCount
        guard value.count >= length, equals(value.extracting(first: length), prefix) else {
            return false
        }
        guard value.count > length else { return true }
        return value[length] == UInt8(ascii: "+") || value[length] == UInt8(ascii: ";")
    }
}

/// Whether `bytes` are those of `text`.
func equals(_ bytes: Span<UInt8>, _ text: StaticString) -> Bool {
    guard bytes.count == text.utf8CodeUnitCount else { return false }
    // Safe: a static string's bytes live for ever, and the index stays under their count.
    let start = unsafe text.utf8Start
    for index in bytes.indices where unsafe bytes[index] != start[index] { return false }
    return true
}
