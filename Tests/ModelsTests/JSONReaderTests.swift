// SPDX-License-Identifier: Apache-2.0

import Models
import Testing

/// The JSON reader seen through a file that is JSON and no model.
@Suite struct JSONReaderTests {
    private static let noModel = "version: is missing: is this a model of XGBoost?"

    @Test(arguments: [
        "{}", " \n\t{ \"a\" : [ ] }\r\n", "{\"a\":[1,-0,0.5,1e5,1E-5,-1.25e+3]}",
        "{\"a\":true,\"b\":false,\"c\":null,\"d\":\"\"}", "{\"a\":{\"a\":{\"a\":1},\"b\":1}}",
        "{\"\\u00e9\\ud83d\\ude00\\n\\\"\\\\\\/\":1}", "{\"a\":1e-400}", "{\"\":0}",
    ])
    func `sound JSON of any kind is passed over`(_ text: String) {
        #expect(refusal(text) == Self.noModel)
    }

    @Test(arguments: [
        ("", "byte 0: the file ends too early"),
        ("[]", "byte 0: expected '{'"),
        ("{", "byte 1: the file ends too early"),
        ("{\"a\"", "byte 4: the file ends too early"),
        ("{\"a\":", "byte 5: the file ends too early"),
        ("{\"a\":1", "byte 6: the file ends too early"),
        ("{\"a\" 1}", "byte 5: expected ':'"),
        ("{a:1}", "byte 1: expected '\"'"),
        ("{\"a\":1,}", "byte 7: a comma before the end of the list"),
        ("{\"a\":[1,]}", "byte 8: a comma before the end of the list"),
        ("{\"a\":[1 2]}", "byte 8: expected ','"),
        ("{\"a\":[1}", "byte 7: expected ','"),
        ("{}{}", "byte 2: more follows the end of the document"),
        ("{} x", "byte 3: more follows the end of the document"),
        ("{\"a\":tru}", "byte 8: expected true"),
        ("{\"a\":nul", "byte 8: expected null"),
        ("{\"a\":NaN}", "byte 5: expected a number"),
        ("{\"a\":Infinity}", "byte 5: expected a number"),
        ("{\"a\":-}", "byte 6: expected a number"),
        ("{\"a\":+1}", "byte 5: expected a number"),
        ("{\"a\":.5}", "byte 5: expected a number"),
        ("{\"a\":1.}", "byte 7: expected a digit after the point"),
        ("{\"a\":1e}", "byte 7: expected a digit in the exponent"),
        ("{\"a\":007}", "byte 8: a number with a leading zero"),
        ("{\"a\":1e400}", "byte 5: the number is too large"),
        ("{\"a\":-1e400}", "byte 5: the number is too large"),
        ("{\"a\":1,\"a\":2}", "byte 10: a key appears twice in its object"),
        ("{\"a\":1,\"\\u0061\":2}", "byte 15: a key appears twice in its object"),
        ("{\"a\":{\"b\":1,\"b\":2}}", "byte 15: a key appears twice in its object"),
        ("{\"a\":\"x", "byte 7: the string has no end"),
        ("{\"a\":\"\\", "byte 7: the string has no end"),
        ("{\"a\":\"\\x\"}", "byte 8: an unknown escape in a string"),
        ("{\"a\":\"\\u12g4\"}", "byte 10: \\u wants four hexadecimal digits"),
        ("{\"a\":\"\\ud83d\"}", "byte 12: half a surrogate pair in a string"),
        ("{\"a\":\"\\ude00\"}", "byte 12: half a surrogate pair in a string"),
        ("{\"a\":\"\\ud83d\\u0041\"}", "byte 18: half a surrogate pair in a string"),
        ("{\"a\":\"\n\"}", "byte 7: a control character in a string"),
        ("\u{FEFF}{}", "byte 0: expected '{'"),
    ])
    func `unsound JSON is refused where it is unsound`(_ text: String, _ message: String) {
        #expect(refusal(text) == message)
    }

    @Test func `nesting is accepted at the limit and refused one deeper`() {
        func nested(_ depth: Int) -> String {
            "{\"a\":" + String(repeating: "[", count: depth - 1)
                + String(repeating: "]", count: depth - 1) + "}"
        }
        #expect(refusal(nested(ImportLimits.nestingMax)) == Self.noModel)
        #expect(refusal(nested(ImportLimits.nestingMax + 1)) == "byte 69: nested deeper than 64")
        #expect(refusal(nested(1_000_000)) == "byte 69: nested deeper than 64")
    }

    @Test func `a string is accepted at the limit and refused one byte longer`() {
        func file(_ count: Int) -> String { "{\"a\":\"\(String(repeating: "x", count: count))\"}" }
        #expect(refusal(file(ImportLimits.stringBytesMax)) == Self.noModel)
        #expect(
            refusal(file(ImportLimits.stringBytesMax + 1)) == "more than 65536 bytes in a string")
    }

    @Test func `a number is accepted at the limit and refused one digit longer`() {
        func file(_ count: Int) -> String { "{\"a\":\(String(repeating: "1", count: count))}" }
        #expect(refusal(file(ImportLimits.numberBytesMax)) == Self.noModel)
        #expect(
            refusal(file(ImportLimits.numberBytesMax + 1)) == "more than 64 characters in a number")
    }

    @Test func `an object is accepted at the limit of keys and refused with one more`() {
        func file(_ count: Int) -> String {
            "{" + (0..<count).map { "\"k\($0)\":0" }.joined(separator: ",") + "}"
        }
        #expect(refusal(file(ImportLimits.keysMax)) == Self.noModel)
        #expect(refusal(file(ImportLimits.keysMax + 1)) == "more than 256 keys in one object")
    }

    @Test func `feature names are kept as they are meant`() throws {
        var file = XGBoostText()
        file.featureNames = "[\"Grüße\",\"\\ud83d\\ude00 \\\"x\\\"\"]"
        #expect(try importModel(file.json).summary.featureNames == ["Grüße", "😀 \"x\""])
    }

    @Test func `a string that is not UTF-8 is refused`() throws {
        var file = XGBoostText()
        file.featureNames = "[\"a\",\"?\"]"
        var bytes = Array(file.json.utf8)
        let place = try #require(bytes.firstIndex(of: UInt8(ascii: "?")))
        bytes[place] = 0xC3
        let message = try #require(refusal(bytes))
        #expect(message.hasSuffix("the string is not UTF-8"))
    }

    /// Each is the float32 nearest to what is written; the middle ones lie just off a tie.
    @Test(arguments: [
        ("1.1754942E-38", Float(bitPattern: 0x007F_FFFF)), ("1E-45", .leastNonzeroMagnitude),
        ("16777217", 16_777_216), ("16777217.0000001", 16_777_218), ("16777219", 16_777_220),
        ("3.4028235E38", .greatestFiniteMagnitude), ("-0", -0.0), ("0.1", 0.1), ("1E-60", 0),
        ("7.00649232162408535461864791644957e-46", 0),
        ("7.00649232162408535461864791644959e-46", .leastNonzeroMagnitude),
        ("7.1e-46", .leastNonzeroMagnitude),
    ])
    func `a number is rounded once, to the nearest float32`(_ text: String, _ value: Float) throws {
        var file = XGBoostText()
        file.objective = "\"reg:squarederror\""
        file.baseScore = "\"-0\""
        file.trees[0].splitConditions = "[0,0,\(text),0,0]"
        let margin = try importModel(file.json).margin(ofRow: [1, 0])
        #expect(margin.bitPattern == value.bitPattern)
    }
}
