// SPDX-License-Identifier: Apache-2.0

/// Why a command line is refused, or why what it asked for failed.
enum CommandError: Error, Hashable, CustomStringConvertible {
    case noCommand
    case unknownCommand(String)
    case unknownOption(String)
    case noValue(option: String)
    case badValue(option: String, expected: String)
    /// The command line was understood.
    case failed(String)

    /// Whether the usage would help.
    var isUsage: Bool {
        if case .failed = self { false } else { true }
    }

    var description: String {
        switch self {
        case .noCommand: "which command?"
        case .unknownCommand(let command): "there is no command '\(command)'"
        case .unknownOption(let option): "there is no option '\(option)'"
        case .noValue(let option): "\(option) needs a value"
        case .failed(let reason): reason
        case .badValue(let option, let expected): "\(option) needs \(expected)"
        }
    }
}
