// SPDX-License-Identifier: Apache-2.0

/// Every command, in the order of the help.
let commands: [Command] = [
    serveCommand, versionCommand,
]

/// What `kassa --help` shows.
var overview: String {
    let width = commands.map(\.name.count).max() ?? 0
    let list = commands.map { command in
        let padding = String(repeating: " ", count: width - command.name.count + 2)
        return "  \(command.name)\(padding)\(command.summary)"
    }
    return """
        Kassa: an online feature store and inference server for checkouts.

        usage: kassa COMMAND [flags] [operands]

        commands:
        \(list.joined(separator: "\n"))

        A first session:
          kassa serve                              # in one terminal
          kassa apply -f checkout.yaml             # in another
          kassa model upload abandonment.model.yaml
          kassa score cart_abandonment --entity session=s-81

        `kassa COMMAND --help` says more about one command. Commands that ask a server find it at
        --server (default \(defaultServer)) or $KASSA_SERVER. Exit codes: 0 done, 1 refused or
        failed, 2 wrong usage, 3 no server.

        """
}

/// Where a server listens unless told otherwise.
let defaultServer = "127.0.0.1:6750"
