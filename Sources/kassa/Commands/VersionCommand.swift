// SPDX-License-Identifier: Apache-2.0

let versionCommand = Command(
    name: "version",
    summary: "Say which version this is.",
    flags: [jsonFlag],
    run: { arguments throws(CommandError) in
        if arguments.has(jsonFlag.name) {
            print("{\"version\":\"\(kassaVersion)\"}")
        } else {
            print("kassa \(kassaVersion)")
        }
    })
