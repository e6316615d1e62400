// SPDX-License-Identifier: Apache-2.0

/// A proto file as a descriptor.
package struct APIFile: Sendable {
    /// The file's name, "kassa/v1/values.proto".
    package let name: String
    /// The names of the files that it imports.
    package let dependencies: [String]
    /// The full names of its messages, enums, services and methods.
    package let symbols: [String]
    /// The serialized `google.protobuf.FileDescriptorProto`, without comments.
    package let descriptor: [UInt8]

    init(name: String, dependencies: [String], symbolList: String, base64: String) {
        self.name = name
        self.dependencies = dependencies
        symbols = symbolList.split(separator: " ").map(String.init)
        descriptor = Self.decode(base64: base64)
    }

    /// Decodes what ProtoGen encoded.
    private static func decode(base64 text: String) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count / 4 * 3)
        var bits: UInt32 = 0
        var bitCount = 0
        for character in text.utf8 {
            let digit: UInt8
            switch character {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): digit = character - UInt8(ascii: "A")
            case UInt8(ascii: "a")...UInt8(ascii: "z"): digit = character - UInt8(ascii: "a") + 26
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = character - UInt8(ascii: "0") + 52
            case UInt8(ascii: "+"): digit = 62
            case UInt8(ascii: "/"): digit = 63
            default: return bytes
            }
            bits = bits << 6 | UInt32(digit)
            bitCount += 6
            if bitCount >= 8 {
                bitCount -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(bitCount)))
            }
        }
        return bytes
    }
}
