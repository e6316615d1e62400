// SPDX-License-Identifier: Apache-2.0

internal import Base

/// Appends `text` as a `grpc-message` value: bytes outside 0x20...0x7E, and `%`, become `%XX`.
///
/// Stops before an escape that would not fit into `byteCountMax`.
func appendPercentEncoded(_ text: Span<UInt8>, to buffer: inout ByteBuffer, byteCountMax: Int) {
    let start = buffer.count
    for index in text.indices {
        let byte = text[index]
        if byte >= 0x20, byte <= 0x7E, byte != UInt8(ascii: "%") {
            guard buffer.count - start < byteCountMax else { return }
            buffer.append(byte)
        } else {
            guard buffer.count - start + 3 <= byteCountMax else { return }
            buffer.append(UInt8(ascii: "%"))
            buffer.append(hexadecimalDigit(byte >> 4))
            buffer.append(hexadecimalDigit(byte & 15))
        }
    }
}

private func hexadecimalDigit(_ value: UInt8) -> UInt8 {
    value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") + (value - 10)
}

/// Appends what `text`, a `grpc-message` value, stands for; malformed escapes stay as they are.
func appendPercentDecoded(_ text: Span<UInt8>, to buffer: inout ByteBuffer) {
    var index = 0
    while index < text.count {
        if text[index] == UInt8(ascii: "%"), index + 2 < text.count,
            let high = hexadecimalValue(text[index + 1]),
            let low = hexadecimalValue(text[index + 2])
        {
            buffer.append(high << 4 | low)
            index += 3
        } else {
            buffer.append(text[index])
            index += 1
        }
    }
}

private func hexadecimalValue(_ digit: UInt8) -> UInt8? {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
    case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
    case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
    default: nil
    }
}
