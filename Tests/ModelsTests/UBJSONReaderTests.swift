// SPDX-License-Identifier: Apache-2.0

import Models
import Testing

/// Binary files that lie about what follows.
@Suite struct UBJSONReaderTests {
    /// A model around one more member of the outermost object.
    private func file(_ member: [UInt8]) -> [UInt8] {
        Array("{".utf8) + key("version") + Array("[$U#U".utf8) + [3, 3, 2, 0] + member
    }

    private func key(_ name: String) -> [UInt8] {
        Array("U".utf8) + [UInt8(name.utf8.count)] + Array(name.utf8)
    }

    private func refusalOf(_ value: [UInt8]) -> String? {
        refusal(file(key("x") + value + Array("}".utf8)), .xgboostUBJ)
    }

    @Test func `sound values of every type are passed over`() {
        let values: [[UInt8]] = [
            [0x5A], [0x54], [0x46], [0x69, 0xFF], [0x55, 0xFF], [0x49, 1, 2], [0x6C, 0, 0, 0, 1],
            [0x4C, 0, 0, 0, 0, 0, 0, 0, 1], [0x64, 0x3F, 0x80, 0, 0],
            [0x44, 0, 0, 0, 0, 0, 0, 0, 0],
            Array("SU".utf8) + [2, 0x61, 0x62], Array("[]".utf8), Array("[NTNFN]".utf8),
            Array("[#U".utf8) + [1, 0x5A], Array("[$d#U".utf8) + [1, 0, 0, 0, 0],
            Array("{U".utf8) + [1, 0x61, 0x5A, 0x7D], Array("[[][#U".utf8) + [0, 0x5D],
        ]
        for value in values {
            #expect(
                refusalOf(value) == "gradient_booster.name: is missing", "\(value)")
        }
    }

    @Test(arguments: [
        (
            "[$d#l\u{7F}\u{7F}\u{7F}\u{7F}",
            "an array of 2139062143 elements does not fit in the file"
        ),
        ("[#l\u{7F}\u{7F}\u{7F}\u{7F}", "an array of 2139062143 elements does not fit in the file"),
        ("[$S#U\u{1}", "a typed array of something other than numbers"),
        ("[$[#U\u{1}", "a typed array of something other than numbers"),
        ("[$dU\u{1}", "expected the count of a typed array"),
        ("[#d\u{0}\u{0}\u{0}\u{0}", "expected a length"),
        ("{#U\u{1}", "an object with a count"),
        ("SU\u{7F}ab", "the string has no end"),
        ("SS", "expected a length"),
        ("?", "expected a number"),
        ("H", "expected a length"),
    ])
    func `a value that lies is refused`(_ value: String, _ problem: String) throws {
        let message = try #require(refusalOf(Array(value.utf8)))
        #expect(message.hasSuffix(problem), "\(message)")
    }

    @Test func `negative and enormous lengths are refused`() throws {
        let negative: [UInt8] = Array("[$d#l".utf8) + [0xFF, 0xFF, 0xFF, 0xFF]
        #expect(try #require(refusalOf(negative)).hasSuffix("a length is negative"))
        let enormous: [UInt8] =
            Array("[$d#L".utf8) + [0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]
        #expect(try #require(refusalOf(enormous)).hasSuffix("does not fit in the file"))
        let text: [UInt8] = Array("SL".utf8) + [0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]
        #expect(refusalOf(text) == "more than 65536 bytes in a string")
    }

    @Test func `nesting is accepted up to the limit and refused one deeper`() throws {
        // The outermost object is one level of the 64.
        let open = Array(repeating: UInt8(ascii: "["), count: 63)
        let close = Array(repeating: UInt8(ascii: "]"), count: 63)
        #expect(refusalOf(open + close) == "gradient_booster.name: is missing")
        let message = try #require(refusalOf(open + Array("[".utf8) + close + Array("]".utf8)))
        #expect(message.hasSuffix("nested deeper than 64"))
        let deep = [UInt8](repeating: UInt8(ascii: "["), count: 100_000)
        #expect(try #require(refusalOf(deep)).hasSuffix("nested deeper than 64"))
    }

    @Test func `a key that comes twice is refused`() throws {
        let message = try #require(refusal(file(key("version")), .xgboostUBJ))
        #expect(message.hasSuffix("a key appears twice in its object"))
    }

    @Test func `what follows the document is refused`() throws {
        let message = try #require(refusal(file(Array("}}".utf8)), .xgboostUBJ))
        #expect(message.hasSuffix("more follows the end of the document"))
        #expect(
            refusal(file(Array("}N".utf8)), .xgboostUBJ) == "gradient_booster.name: is missing")
    }
}
