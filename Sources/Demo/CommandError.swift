// SPDX-License-Identifier: Apache-2.0

/// Why a command line is refused.
enum CommandError: Error, Hashable, CustomStringConvertible {
    case noCommand
    case unknownCommand(String)
    case unknownOption(String)
    case noValue(option: String)
    case badValue(option: String, expected: String)

    var description: String {
        switch self {
        case .noCommand: "which command?"
        case .unknownCommand(let command): "there is no command '\(command)'"
        case .unknownOption(let option): "there is no option '\(option)'"
        case .noValue(let option): "\(option) needs a value"
        case .badValue(let option, let expected): "\(option) needs \(expected)"
        }
    }
}
