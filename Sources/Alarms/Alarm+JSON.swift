// SPDX-License-Identifier: Apache-2.0

internal import Base

extension Alarm {
    /// The alarm as one line of JSON, without an end of line.
    ///
    /// Printable ASCII only: everything else is escaped, so that no name or reason can begin a line in a log,
    /// or speak to a terminal. What is empty or 0 is left out. A number that JSON does not know is the text
    /// "NaN", "Infinity" or "-Infinity", as in protobuf's JSON.
    ///
    /// - Parameter server: who says so; left out if it is empty.
    package func json(server: String = "") -> [UInt8] {
        var line = JSONLine()
        line.put("id", text: id, byteCountMax: AlarmLimits.nameByteCountMax)
        line.put("kind", text: kind.name, byteCountMax: AlarmLimits.nameByteCountMax)
        line.put("state", text: state.rawValue, byteCountMax: AlarmLimits.nameByteCountMax)
        line.put("at_us", literal: "\(at.microseconds)")
        for (name, text) in [("server", server), ("scorer", scorer), ("model", model)]
        where !text.isEmpty {
            line.put(name, text: text, byteCountMax: AlarmLimits.nameByteCountMax)
        }
        if rolloutID != 0 { line.put("rollout_id", literal: "\(rolloutID)") }
        line.put("reason", text: reason, byteCountMax: AlarmLimits.reasonByteCountMax)
        var names: Set<String> = []
        let details = details.filter { names.insert($0.name).inserted }
            .prefix(AlarmLimits.detailsMax)
        if !details.isEmpty {
            var inner = JSONLine()
            for detail in details { inner.put(detail.name, number: detail.number) }
            line.put("details", inner)
        }
        return line.finish()
    }
}

/// An object of JSON in printable ASCII.
private struct JSONLine {
    private var bytes: [UInt8] = [UInt8(ascii: "{")]

    mutating func put(_ name: String, text: String, byteCountMax: Int) {
        putName(name)
        putQuoted(text, byteCountMax: byteCountMax)
    }

    mutating func put(_ name: String, number: Double) {
        switch number {
        case _ where number.isNaN: put(name, literal: "\"NaN\"")
        case .infinity: put(name, literal: "\"Infinity\"")
        case -.infinity: put(name, literal: "\"-Infinity\"")
        default: put(name, literal: number.description)
        }
    }

    mutating func put(_ name: String, literal: String) {
        putName(name)
        bytes += literal.utf8
    }

    mutating func put(_ name: String, _ object: JSONLine) {
        putName(name)
        bytes += object.finish()
    }

    func finish() -> [UInt8] {
        bytes + [UInt8(ascii: "}")]
    }

    private mutating func putName(_ name: String) {
        if bytes.count > 1 { bytes.append(UInt8(ascii: ",")) }
        putQuoted(name, byteCountMax: AlarmLimits.nameByteCountMax)
        bytes.append(UInt8(ascii: ":"))
    }

    /// Puts `text` in quotes; what would make it longer than the bound is replaced by "...".
    private mutating func putQuoted(_ text: String, byteCountMax: Int) {
        let cut = "...".utf8
        var encoded: [UInt8] = []
        var shortened = 0
        for scalar in text.unicodeScalars {
            Self.put(scalar, into: &encoded)
            if encoded.count <= byteCountMax - cut.count { shortened = encoded.count }
            if encoded.count > byteCountMax {
                encoded.removeSubrange(shortened...)
                encoded += cut
                break
            }
        }
        bytes.append(UInt8(ascii: "\""))
        bytes += encoded
        bytes.append(UInt8(ascii: "\""))
    }

    private static func put(_ scalar: Unicode.Scalar, into bytes: inout [UInt8]) {
        switch scalar {
        case "\"", "\\": bytes += [UInt8(ascii: "\\"), UInt8(truncatingIfNeeded: scalar.value)]
        case "\n": bytes += "\\n".utf8
        case " "..."~": bytes.append(UInt8(truncatingIfNeeded: scalar.value))
        default:
            for unit in UTF16.encode(scalar)! {
                let digits = String(unit, radix: 16)
                bytes += "\\u".utf8
                bytes += repeatElement(UInt8(ascii: "0"), count: 4 - digits.utf8.count)
                bytes += digits.utf8
            }
        }
    }
}
