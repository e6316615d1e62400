// SPDX-License-Identifier: Apache-2.0

let versionCommand = Command(
    name: "version",
    summary: "Say which version this is.",
    flags: [Flag(name: "--json", help: "Print JSON.")],
    run: { arguments throws(CommandError) in
        if arguments.has("--json") {
            print("{\"version\": \"\(kassaVersion)\"}")
        } else {
            print("kassa \(kassaVersion)")
        }
    })
