// SPDX-License-Identifier: Apache-2.0

package import Base

/// The Prometheus text exposition format, version 0.0.4.
///
/// Families come in the order of their names and series in the order of their label values, so that
/// the same numbers give the same bytes. A family without a series is left out.
package enum PrometheusText {
    /// The `Content-Type` of what ``write(_:into:)`` gives.
    package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// Appends all families and samples of `snapshot`.
    package static func write(_ snapshot: MetricSnapshot, into buffer: inout ByteBuffer) {
        for family in snapshot.families {
            let samples = snapshot.samples(of: family)
            guard !samples.isEmpty else { continue }
            buffer.append(text: "# HELP \(family.name) \(escaped(family.help, quotes: false))\n")
            buffer.append(text: "# TYPE \(family.name) \(family.kind.rawValue)\n")
            for sample in samples {
                let labels = zip(family.labels, sample.labels)
                    .map { "\($0)=\"\(escaped($1, quotes: true))\"" }
                    .joined(separator: ",")
                write(sample.value, name: family.name, labels: labels, into: &buffer)
            }
        }
    }

    private static func write(
        _ value: MetricSnapshot.Value, name: String, labels: String, into buffer: inout ByteBuffer
    ) {
        let braced = labels.isEmpty ? "" : "{\(labels)}"
        switch value {
        case .count(let count):
            buffer.append(text: "\(name)\(braced) \(count)\n")
        case .number(let number):
            buffer.append(text: "\(name)\(braced) \(text(number))\n")
        case .histogram(let histogram):
            let unit = histogram.bounds.unitsPerOne
            let prefix = labels.isEmpty ? "" : "\(labels),"
            var cumulative: UInt64 = 0
            for (index, count) in histogram.buckets.enumerated() {
                cumulative &+= count
                let bounds = histogram.bounds.bounds
                let bound = index < bounds.count ? text(Double(bounds[index]) / unit) : "+Inf"
                buffer.append(text: "\(name)_bucket{\(prefix)le=\"\(bound)\"} \(cumulative)\n")
            }
            buffer.append(text: "\(name)_sum\(braced) \(text(Double(histogram.sum) / unit))\n")
            buffer.append(text: "\(name)_count\(braced) \(cumulative)\n")
        }
    }

    /// The shortest text that reads back as `number`, as Go prints it.
    static func text(_ number: Double) -> String {
        if number.isNaN { return "NaN" }
        if number.isInfinite { return number > 0 ? "+Inf" : "-Inf" }
        let text = number.description
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }

    /// `text` with backslashes and line feeds escaped, and for a label's value quotes too.
    static func escaped(_ text: String, quotes: Bool) -> String {
        var result = ""
        // Scalars, not characters: a carriage return and a line feed are one character.
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quotes: result += "\\\""
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}

extension ByteBuffer {
    fileprivate mutating func append(text: String) {
        var text = text
        text.makeContiguousUTF8()
        append(text.utf8.span)
    }
}
