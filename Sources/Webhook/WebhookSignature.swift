// SPDX-License-Identifier: Apache-2.0

internal import Crypto

/// What proves to a receiver that a body comes from whoever has the secret, and when it was sent.
///
/// `t=<Unix seconds>,v1=<HMAC-SHA256 of "<t>.<body>" in hexadecimal>`. A receiver computes the same over the
/// bytes as they came, compares in constant time, and refuses a `t` that is minutes away.
package enum WebhookSignature {
    /// The value of the header `Kassa-Signature`.
    package static func header(body: [UInt8], secret: [UInt8], unixSeconds: Int64) -> String {
        let time = "\(unixSeconds)"
        let message = Array(time.utf8) + [UInt8(ascii: ".")] + body
        let code = HMACSHA256.code(of: message.span, key: secret.span)
        return "t=\(time),v1=\(hexadecimal(code))"
    }
}
