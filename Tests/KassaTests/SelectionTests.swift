// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import kassa

/// Which command or page the words select.
struct SelectionTests {
    private func page(_ words: String...) throws -> String {
        guard case .help(let page) = try Selection(words) else {
            Issue.record("\(words) is no help")
            return ""
        }
        return page
    }

    private func refusal(_ words: String...) -> String? {
        do throws(CommandError) {
            _ = try Selection(words)
            return nil
        } catch {
            return error.message
        }
    }

    @Test func `no words, help and --help show the overview`() throws {
        #expect(try page() == overview)
        #expect(try page("help") == overview)
        #expect(try page("--help") == overview)
    }

    @Test func `the longest name wins`() throws {
        guard case .run(let command, let rest) = try Selection(["model", "list", "--json"]) else {
            Issue.record("it is no command")
            return
        }
        #expect(command.name == "model list")
        #expect(rest == ["--json"])
    }

    @Test func `help of a command is asked for in three ways`() throws {
        #expect(try page("help", "score") == scoreCommand.help)
        #expect(try page("score", "--help") == scoreCommand.help)
        #expect(try page("score", "x", "-h") == scoreCommand.help)
        #expect(try page("help", "model", "upload") == modelUploadCommand.help)
    }

    @Test func `help of a group shows all its pages`() throws {
        let text = try page("help", "model")
        #expect(text.contains("usage: kassa model upload FILE"))
        #expect(text.contains("usage: kassa model delete NAME@VERSION"))
    }

    @Test func `an unknown command suggests the nearest`() {
        #expect(refusal("aply") == "there is no command \"aply\"; did you mean \"apply\"?")
        #expect(
            refusal("modl", "list") == "there is no command \"modl\"; did you mean \"model list\"?")
        #expect(
            refusal("model", "uplod")
                == "there is no command \"model uplod\"; did you mean \"model upload\"?")
        #expect(refusal("xyzzyxyzzy") == "there is no command \"xyzzyxyzzy\"")
    }

    @Test func `a group alone names its commands`() {
        #expect(refusal("model") == "kassa model needs one of upload, list, get, delete")
    }

    @Test(arguments: commands.map(\.name))
    func `every command is in the overview, and its page fits a terminal`(name: String) throws {
        let command = try #require(commands.first { $0.name == name })
        #expect(overview.contains("  \(name) "))
        #expect(command.summary.hasSuffix("."))
        for line in (command.help + overview).split(separator: "\n") {
            #expect(line.count <= 100, "\(line)")
        }
        let names = command.allFlags.flatMap { [$0.name, $0.short].compactMap { $0 } }
        #expect(Set(names).count == names.count, "a flag is declared twice")
    }

    @Test func `the page of score reads as it should`() {
        #expect(
            scoreCommand.help == """
                Ask for a score.

                usage: kassa score SCORER -e KIND=ID... [flags]

                Prints the score, what computed it, and every feature that was not PRESENT (`kassa read
                --help` explains the statuses). Name one entity per kind that the model's features need; an
                empty id, customer=, says that there is none, as for a guest.

                A --context name is a feature, or set.feature where two sets share the name; its value is
                read as the type that the feature is declared with, and null is an explicit null.

                examples:
                  kassa score cart_abandonment -e session=s-81 -e customer=c-7
                  kassa score cart_abandonment -e session=s-81 -e customer= -c cart_value=84.90 --features
                  kassa score cart_abandonment -e session=s-81 -e customer= --contributions --top 5

                flags:
                  -e, --entity KIND=ID      An entity, such as session=s-81; once per kind.
                  -c, --context NAME=VALUE  A value known only now; it overrides the stored one. Repeatable.
                      --features            Show every value that the model saw.
                      --contributions       Show what each input added to the margin, the largest first.
                      --top N               Only so many contributions (1 to 4096).
                      --record              Keep the score for `kassa outcome record`, and show its id.
                  -s, --server HOST:PORT    The server; else $KASSA_SERVER, else 127.0.0.1:6750.
                      --timeout DURATION    How long to wait for an answer; 10s by default.
                      --json                Print JSON for programs, on one line.
                  -h, --help                Show this page.

                """)
    }
}
