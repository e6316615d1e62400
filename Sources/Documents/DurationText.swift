// SPDX-License-Identifier: Apache-2.0

/// A length of time as people write it: a whole number and a unit, "500ms", "30d".
package enum DurationText {
    /// Milliseconds of the longest duration: 36,500 days.
    package static let millisecondsMax: UInt64 = 36_500 * 86_400_000

    /// The units, the longest first.
    private static let units: [(name: String, milliseconds: UInt64)] = [
        ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1),
    ]

    /// The milliseconds that `text` says, 1 to ``millisecondsMax``; nil if it is no such duration.
    package static func milliseconds(_ text: String) -> UInt64? {
        let digits = text.utf8.prefix { (0x30...0x39).contains($0) }
        guard let count = UInt64(Substring(digits)) else { return nil }
        let unit = text.utf8.dropFirst(digits.count)
        guard let unit = units.first(where: { $0.name.utf8.elementsEqual(unit) }) else {
            return nil
        }
        let (milliseconds, overflow) = count.multipliedReportingOverflow(by: unit.milliseconds)
        return overflow || milliseconds == 0 || milliseconds > millisecondsMax
            ? nil : milliseconds
    }

    /// The shortest text of a duration: the longest unit that it is a whole number of.
    package static func text(milliseconds: UInt64) -> String {
        let unit = units.first { milliseconds > 0 && milliseconds.isMultiple(of: $0.milliseconds) }
        guard let unit else { return "0ms" }
        return "\(milliseconds / unit.milliseconds)\(unit.name)"
    }
}
