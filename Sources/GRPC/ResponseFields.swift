// SPDX-License-Identifier: Apache-2.0

internal import CNGHTTP2

/// The header fields of replies, made once; nghttp2 is told not to copy them.
@safe struct ResponseFields: @unchecked Sendable {
    static let shared = ResponseFields()
    /// Fields that one response or trailer may need.
    static let fieldsMax = 6

    /// `:status 200` and the content type.
    let initial: UnsafeMutablePointer<nghttp2_nv>
    let initialCount = 2
    /// `grpc-status`, one field per status code.
    let statuses: UnsafeMutablePointer<nghttp2_nv>
    let acceptEncoding: nghttp2_nv
    let methodNotAllowed: nghttp2_nv
    let unsupportedMediaType: nghttp2_nv

    private init() {
        unsafe initial = .allocate(capacity: 2)
        unsafe initial.initialize(to: staticField(":status", "200"))
        unsafe (initial + 1).initialize(to: staticField("content-type", "application/grpc"))
        let codes: [StaticString] = [
            "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15",
            "16",
        ]
        unsafe statuses = .allocate(capacity: codes.count)
        for index in codes.indices {
            unsafe (statuses + index).initialize(to: staticField("grpc-status", codes[index]))
        }
        unsafe acceptEncoding = staticField("grpc-accept-encoding", "identity")
        unsafe methodNotAllowed = staticField(":status", "405")
        unsafe unsupportedMediaType = staticField(":status", "415")
    }
}

/// A field whose bytes live for ever.
@unsafe func staticField(_ name: StaticString, _ value: StaticString) -> nghttp2_nv {
    // Safe: nghttp2 only reads these bytes, despite the type, and they are immortal.
    unsafe nghttp2_nv(
        name: UnsafeMutablePointer(mutating: name.utf8Start),
        value: UnsafeMutablePointer(mutating: value.utf8Start),
        namelen: name.utf8CodeUnitCount,
        valuelen: value.utf8CodeUnitCount,
        flags: UInt8(NGHTTP2_NV_FLAG_NO_COPY_NAME.rawValue | NGHTTP2_NV_FLAG_NO_COPY_VALUE.rawValue)
    )
}

/// A field whose name lives for ever and whose value nghttp2 copies.
@unsafe func copiedField(
    _ name: StaticString, _ value: UnsafeBufferPointer<UInt8>
) -> nghttp2_nv {
    // Safe: as above; the value is copied before the submitting call returns.
    unsafe nghttp2_nv(
        name: UnsafeMutablePointer(mutating: name.utf8Start),
        value: UnsafeMutablePointer(mutating: value.baseAddress),
        namelen: name.utf8CodeUnitCount,
        valuelen: value.count,
        flags: UInt8(NGHTTP2_NV_FLAG_NO_COPY_NAME.rawValue))
}
