// SPDX-License-Identifier: Apache-2.0

internal import COpenSSL

/// A SHA-256 digest under construction (OpenSSL `EVP_Digest*`).
///
/// ```swift
/// var hasher = SHA256()
/// hasher.update(bytes.span)
/// let digest = hasher.finish()
/// ```
@safe package struct SHA256: ~Copyable {
    /// Bytes in a digest.
    package static let byteCount = 32

    private let context: OpaquePointer

    /// A digest of nothing yet.
    package init() {
        guard let context = unsafe EVP_MD_CTX_new() else {
            preconditionFailure("out of memory")
        }
        unsafe self.context = context
        let started = unsafe EVP_DigestInit_ex(context, EVP_sha256(), nil)
        precondition(started == 1, "OpenSSL has no SHA-256")
    }

    deinit {
        unsafe EVP_MD_CTX_free(context)
    }

    /// Adds `bytes` to what is digested.
    package mutating func update(_ bytes: Span<UInt8>) {
        // Safe: the pointer is used for `count` bytes, within the closure.
        unsafe bytes.withUnsafeBufferPointer { buffer in
            let updated = unsafe EVP_DigestUpdate(context, buffer.baseAddress, buffer.count)
            precondition(updated == 1, "EVP_DigestUpdate failed")
        }
    }

    /// The digest of everything added, 32 bytes.
    package consuming func finish() -> [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: Self.byteCount) { buffer, count in
            let finished = unsafe EVP_DigestFinal_ex(context, buffer.baseAddress, nil)
            precondition(finished == 1, "EVP_DigestFinal_ex failed")
            count = Self.byteCount
        }
    }

    /// The digest of `bytes`, 32 bytes.
    package static func digest(of bytes: Span<UInt8>) -> [UInt8] {
        var hasher = SHA256()
        hasher.update(bytes)
        return hasher.finish()
    }
}
