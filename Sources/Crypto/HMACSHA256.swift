// SPDX-License-Identifier: Apache-2.0

internal import COpenSSL

/// Message authentication with a shared key: HMAC with SHA-256 (RFC 2104, OpenSSL `HMAC`).
package enum HMACSHA256 {
    /// Bytes of a code.
    package static let byteCount = 32

    /// The code of `message` under `key`, 32 bytes.
    package static func code(of message: Span<UInt8>, key: Span<UInt8>) -> [UInt8] {
        precondition(key.count <= Int(Int32.max))
        var code = [UInt8](repeating: 0, count: byteCount)
        // Safe: the buffers are valid for their counts within the closures, and the code has the digest's size.
        let made = unsafe message.withUnsafeBufferPointer { message in
            unsafe key.withUnsafeBufferPointer { key in
                unsafe code.withUnsafeMutableBufferPointer { code in
                    unsafe HMAC(
                        EVP_sha256(), key.baseAddress, Int32(key.count), message.baseAddress,
                        message.count, code.baseAddress, nil) != nil
                }
            }
        }
        precondition(made, "OpenSSL has no HMAC")
        return code
    }
}
