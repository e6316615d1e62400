// SPDX-License-Identifier: Apache-2.0

/// Parses a `grpc-timeout` value: 1 to 8 digits and a unit (H, M, S, m, u or n).
///
/// Returns nanoseconds, saturated to `UInt64.max`, or nil if it is malformed (PROTOCOL-HTTP2.md,
/// "Timeout").
func timeoutNanoseconds(_ text: Span<UInt8>) -> UInt64? {
    guard text.count >= 2, text.count <= 9 else { return nil }
    var amount: UInt64 = 0
    for index in 0..<(text.count - 1) {
        let digit = text[index] &- UInt8(ascii: "0")
        guard digit <= 9 else { return nil }
        amount = amount * 10 + UInt64(digit)
    }
    let unit: UInt64
    switch text[text.count - 1] {
    case UInt8(ascii: "H"): unit = 3_600 * nanosecondsPerSecond
    case UInt8(ascii: "M"): unit = 60 * nanosecondsPerSecond
    case UInt8(ascii: "S"): unit = nanosecondsPerSecond
    case UInt8(ascii: "m"): unit = 1_000_000
    case UInt8(ascii: "u"): unit = 1_000
    case UInt8(ascii: "n"): unit = 1
    default: return nil
    }
    let (product, overflow) = amount.multipliedReportingOverflow(by: unit)
    return overflow ? .max : product
}
