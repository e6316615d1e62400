// SPDX-License-Identifier: Apache-2.0

internal import Documents

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
            let flag = try Self.flag(String(parts[0]), of: command)
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
            throw .usage(Self.wrongOperands(operands, of: command))
        }
    }

    private static func flag(_ name: String, of command: Command) throws(CommandError) -> Flag {
        if let flag = command.allFlags.first(where: { $0.name == name || $0.short == name }) {
            return flag
        }
        let known = command.allFlags.map(\.name)
        // The dashes are no letters to compare.
        let nearest = NearestWord.of(
            String(name.drop { $0 == "-" }), among: known.map { String($0.dropFirst(2)) })
        if let nearest {
            throw .usage("there is no flag \(name); did you mean --\(nearest)?")
        }
        throw .usage("there is no flag \(name); there are \(known.joined(separator: ", "))")
    }

    private static func wrongOperands(_ operands: [String], of command: Command) -> String {
        if command.operands.isEmpty {
            return "kassa \(command.name) takes no operands, but \"\(operands[0])\" was given"
        }
        let given = operands.isEmpty ? "nothing" : operands.joined(separator: " ")
        return "kassa \(command.name) needs \(command.operands), but was given \(given)"
    }

    /// The same, with `defaults` for flags that were not typed.
    func withDefaults(_ defaults: [String: String]) -> Arguments {
        var arguments = self
        for (name, value) in defaults where arguments.values[name] == nil {
            arguments.values[name] = [value]
        }
        return arguments
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

    /// The value of `name` as a whole number in `range`; nil if it was not given.
    func integer<Number: FixedWidthInteger>(
        _ name: String, in range: ClosedRange<Number>
    ) throws(CommandError) -> Number? {
        guard let text = value(name) else { return nil }
        guard let number = Number(text), range.contains(number) else {
            throw .usage(
                "\(name) must be a whole number"
                    + " from \(range.lowerBound) to \(range.upperBound), not \"\(text)\"")
        }
        return number
    }

    /// The value of `name` as a whole number in `range`, or `fallback`.
    func integer(
        _ name: String, in range: ClosedRange<Int>, default fallback: Int
    ) throws(CommandError) -> Int {
        try integer(name, in: range) ?? fallback
    }

    /// The value of `name` as a duration in milliseconds up to so many days; nil if it was not given.
    func milliseconds(_ name: String, daysMax: UInt64 = 1) throws(CommandError) -> Int? {
        guard let text = value(name) else { return nil }
        guard let number = DurationText.milliseconds(text), number <= daysMax * 86_400_000
        else {
            throw .usage(
                "\(name) must be a whole number with its unit, such as 500ms, 10s or 2m,"
                    + " and at most \(daysMax == 1 ? "a day" : "\(daysMax)d"), not \"\(text)\"")
        }
        return Int(number)
    }
}
