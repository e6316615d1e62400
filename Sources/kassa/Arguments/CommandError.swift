// SPDX-License-Identifier: Apache-2.0

/// Why a command ends without success; the exit code tells a script which kind it was.
enum CommandError: Error {
    /// The words typed make no command.
    case usage(String)
    /// The server could not be reached, or went away.
    case unreachable(String)
    /// The command was understood and refused, or failed.
    case failed(String)
    /// What was waited for has not come about, either way.
    case inconclusive(String)

    /// The shell's exit code: 1 refused or failed, 2 wrong usage or no verdict, 3 no server.
    var exitCode: Int32 {
        switch self {
        case .failed: 1
        case .usage, .inconclusive: 2
        case .unreachable: 3
        }
    }

    var message: String {
        switch self {
        case .usage(let message), .unreachable(let message), .failed(let message),
            .inconclusive(let message):
            message
        }
    }
}
