// SPDX-License-Identifier: Apache-2.0

internal import CNGHTTP2

/// The header fields of a client's requests, made once; nghttp2 is told not to copy them.
@safe final class RequestFields {
    private let authority: UnsafeMutableBufferPointer<UInt8>
    private var paths: [UnsafeMutableBufferPointer<UInt8>] = unsafe []

    init(authority: String) {
        unsafe self.authority = Self.copy(authority)
    }

    deinit {
        unsafe authority.deallocate()
        for index in unsafe paths.indices { unsafe paths[index].deallocate() }
    }

    private static func copy(_ text: String) -> UnsafeMutableBufferPointer<UInt8> {
        let bytes = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: max(1, text.utf8.count))
        _ = unsafe bytes.initialize(from: text.utf8)
        return unsafe UnsafeMutableBufferPointer(rebasing: bytes[..<text.utf8.count])
    }

    func addPath(_ path: String) -> Int {
        unsafe paths.append(Self.copy(path))
        return unsafe paths.count - 1
    }

    /// Lends the fields of one request.
    @unsafe func withFields(
        _ path: Int, _ timeoutNanoseconds: UInt64?,
        _ body: (UnsafeMutablePointer<nghttp2_nv>, Int) -> Int32
    ) -> Int32 {
        unsafe withUnsafeTemporaryAllocation(of: nghttp2_nv.self, capacity: 7) { list in
            unsafe list[0] = staticField(":method", "POST")
            unsafe list[1] = staticField(":scheme", "http")
            unsafe list[2] = ownedField(":path", paths[path])
            unsafe list[3] = ownedField(":authority", authority)
            unsafe list[4] = staticField("te", "trailers")
            unsafe list[5] = staticField("content-type", "application/grpc")
            guard let timeoutNanoseconds else { return unsafe body(list.baseAddress!, 6) }
            return unsafe withTimeoutText(timeoutNanoseconds) { text in
                unsafe list[6] = copiedField("grpc-timeout", text)
                return unsafe body(list.baseAddress!, 7)
            }
        }
    }

    /// Lends the fields of one plain GET.
    @unsafe func withGetFields(
        _ path: Int, _ body: (UnsafeMutablePointer<nghttp2_nv>, Int) -> Int32
    ) -> Int32 {
        unsafe withUnsafeTemporaryAllocation(of: nghttp2_nv.self, capacity: 4) { list in
            unsafe list[0] = staticField(":method", "GET")
            unsafe list[1] = staticField(":scheme", "http")
            unsafe list[2] = ownedField(":path", paths[path])
            unsafe list[3] = ownedField(":authority", authority)
            return unsafe body(list.baseAddress!, 4)
        }
    }

    /// A field whose value lives as long as self.
    @unsafe private func ownedField(
        _ name: StaticString, _ value: UnsafeMutableBufferPointer<UInt8>
    ) -> nghttp2_nv {
        var field = unsafe copiedField(name, UnsafeBufferPointer(value))
        unsafe field.flags |= UInt8(NGHTTP2_NV_FLAG_NO_COPY_VALUE.rawValue)
        return unsafe field
    }

    /// Spells a timeout with at most 8 digits in the finest unit that holds it, rounded up.
    @unsafe private func withTimeoutText(
        _ nanoseconds: UInt64, _ body: (UnsafeBufferPointer<UInt8>) -> Int32
    ) -> Int32 {
        var amount = nanoseconds
        var unit = UInt8(ascii: "n")
        for (divisor, next) in [(1_000, "u"), (1_000, "m"), (1_000, "S"), (60, "M"), (60, "H")]
            as [(UInt64, Unicode.Scalar)] where amount > 99_999_999
        {
            amount = amount / divisor + (amount % divisor == 0 ? 0 : 1)
            unit = UInt8(ascii: next)
        }
        amount = min(amount, 99_999_999)
        return unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 9) { text in
            unsafe text[8] = unit
            var start = 8
            repeat {
                start -= 1
                unsafe text[start] = UInt8(ascii: "0") + UInt8(amount % 10)
                amount /= 10
            } while amount > 0 && start > 0
            return unsafe body(UnsafeBufferPointer(rebasing: text[start...]))
        }
    }
}
