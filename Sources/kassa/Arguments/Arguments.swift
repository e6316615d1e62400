// SPDX-License-Identifier: Apache-2.0

/// What was typed after a command's name, checked against its flags.
struct Arguments {
    private var values: [String: [String]] = [:]
    /// The words that are not flags.
    private(set) var operands: [String] = []

    /// Parses `words` for `command`: `--flag value`, `--flag=value`, `-f value`, switches and
    /// operands in any order; `--` ends the flags.
    init(_ words: [String], for command: Command) throws(CommandError) {
        var rest = words[...]
        while let word = rest.popFirst() {
            if word == "--" {
                operands += rest
                break
            }
            guard word.hasPrefix("-"), word != "-" else {
                operands.append(word)
                continue
            }
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(parts[0])
            guard let flag = command.flags.first(where: { $0.name == name || $0.short == name })
            else {
                let known = command.flags.map(\.name).joined(separator: ", ")
                throw .usage("kassa \(command.name) has no flag \(name); it has \(known)")
            }
            if flag.value == nil {
                guard parts.count == 1 else { throw .usage("\(flag.name) takes no value") }
                values[flag.name] = ["true"]
                continue
            }
            guard let value = parts.count == 2 ? String(parts[1]) : rest.popFirst() else {
                throw .usage("\(flag.name) needs a value: \(flag.name) \(flag.value ?? "")")
            }
            guard flag.isRepeatable || values[flag.name] == nil else {
                throw .usage("\(flag.name) was given twice")
            }
            values[flag.name, default: []].append(value)
        }
        guard command.operandCount.contains(operands.count) else {
            let wanted = command.operands.isEmpty ? "no operands" : command.operands
            throw .usage(
                "kassa \(command.name) takes \(wanted), and \(operands.count) were given")
        }
    }

    /// Whether the switch `name` was given.
    func has(_ name: String) -> Bool {
        values[name] != nil
    }

    /// The value of `name`, if it was given.
    func value(_ name: String) -> String? {
        values[name]?.first
    }

    /// All values of the repeatable flag `name`.
    func values(_ name: String) -> [String] {
        values[name] ?? []
    }

    /// The value of `name` as a whole number in `range`, or `fallback`.
    func integer(_ name: String, in range: ClosedRange<Int>, default fallback: Int)
        throws(CommandError) -> Int
    {
        guard let text = value(name) else { return fallback }
        guard let number = Int(text), range.contains(number) else {
            throw .usage(
                "\(name) must be a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }
}
