// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import kassa

/// What is typed after a command's name.
struct ArgumentsTests {
    private static let command = Command(
        name: "try", operands: "A [B]", operandCount: 1...2, summary: "Try.",
        flags: [
            Flag(name: "--server", short: "-s", value: "HOST:PORT", help: ""),
            Flag(name: "--entity", short: "-e", value: "KIND=ID", help: "", isRepeatable: true),
            Flag(name: "--json", help: ""), Flag(name: "--count", value: "N", help: ""),
        ],
        run: { _ in })

    private func parse(_ words: String...) throws(CommandError) -> Arguments {
        try Arguments(words, for: Self.command)
    }

    private func refusal(_ words: String...) -> String? {
        do throws(CommandError) {
            _ = try Arguments(words, for: Self.command)
            return nil
        } catch {
            #expect(error.exitCode == 2)
            return error.message
        }
    }

    @Test func `flags and operands stand in any order`() throws {
        let arguments = try parse("a", "--json", "-s", "h:1", "b", "-e", "x=1", "--entity=y=2")
        #expect(arguments.operands == ["a", "b"])
        #expect(arguments.has("--json"))
        #expect(arguments.value("--server") == "h:1")
        #expect(arguments.values("--entity") == ["x=1", "y=2"])
        #expect(arguments.value("--count") == nil)
    }

    @Test func `two dashes end the flags`() throws {
        #expect(try parse("--", "--json", "-x").operands == ["--json", "-x"])
    }

    @Test func `a single dash is an operand`() throws {
        #expect(try parse("-").operands == ["-"])
    }

    @Test func `an equals sign gives a flag its value, the empty one too`() throws {
        #expect(try parse("a", "--server=").value("--server") == "")
        #expect(try parse("a", "-s=h:1").value("--server") == "h:1")
    }

    @Test func `an unknown flag suggests the nearest`() {
        #expect(
            refusal("a", "--sever", "x") == "there is no flag --sever; did you mean --server?")
        #expect(
            refusal("a", "-x")
                == "there is no flag -x; there are --server, --entity, --json, --count, --help")
    }

    @Test func `a flag without its value is refused`() {
        #expect(refusal("a", "--server") == "--server needs a value: --server HOST:PORT")
    }

    @Test func `a switch takes no value`() {
        #expect(refusal("a", "--json=yes") == "--json takes no value")
    }

    @Test func `only a repeatable flag is taken twice`() {
        #expect(refusal("a", "-s", "x", "--server", "y") == "--server was given twice")
    }

    @Test func `too few and too many operands are refused`() {
        #expect(refusal() == "kassa try needs A [B], but was given nothing")
        #expect(refusal("1", "2", "3") == "kassa try needs A [B], but was given 1 2 3")
        #expect(
            message(["x"], versionCommand)
                == "kassa version takes no operands, but \"x\" was given")
    }

    private func message(_ words: [String], _ command: Command) -> String? {
        do throws(CommandError) {
            _ = try Arguments(words, for: command)
            return nil
        } catch {
            return error.message
        }
    }

    @Test(arguments: [("0", 0), ("7", 7)])
    func `a whole number in its range is taken`(text: String, number: Int) throws {
        #expect(try parse("a", "--count", text).integer("--count", in: 0...7) == number)
    }

    @Test(arguments: ["8", "-1", "1.0", "", "x", "99999999999999999999"])
    func `any other number is refused with the range`(text: String) throws {
        let arguments = try parse("a", "--count=\(text)")
        do throws(CommandError) {
            _ = try arguments.integer("--count", in: 0...7)
            Issue.record("\(text) was taken")
        } catch {
            #expect(
                error.message == "--count must be a whole number from 0 to 7, not \"\(text)\"")
        }
    }

    @Test(arguments: [("500ms", 500), ("10s", 10_000), ("2m", 120_000), ("1d", 86_400_000)])
    func `a duration has a unit`(text: String, milliseconds: Int) throws {
        #expect(try parse("a", "--count", text).milliseconds("--count") == milliseconds)
    }

    @Test(arguments: ["5", "0s", "25h", "s", "1.5s", "-1s"])
    func `a duration without a unit, of nothing or above a day is refused`(text: String) throws {
        let arguments = try parse("a", "--count=\(text)")
        #expect(throws: CommandError.self) { try arguments.milliseconds("--count") }
    }
}
