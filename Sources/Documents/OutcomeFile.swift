// SPDX-License-Identifier: Apache-2.0

/// Outcomes of recorded scores in a file of JSON Lines.
///
///     {"score_id": "912383f50006…", "label": true, "at": "2026-11-20T12:00:00Z"}
package enum OutcomeFile {
    /// One outcome as it is written: the id and the time are not looked at yet.
    package struct Line: Equatable, Sendable {
        /// The line in the file, from 1.
        package let number: Int
        package let scoreID: String
        package let label: Bool
        /// Empty if it was left out.
        package let at: String
    }

    /// The outcomes of a file, in its order. Empty lines are left out.
    package static func lines(in bytes: Span<UInt8>) throws(DocumentError) -> [Line] {
        try GoldenFile.lines(of: bytes) { node, number throws(DocumentError) in
            let fields = try Fields(node, name: "outcome", keys: ["score_id", "label", "at"])
            let labelNode = try fields.required("label")
            guard let label = labelNode.scalar.flatMap({ Self.label($0) }) else {
                throw DocumentError(
                    .expected("true, false, 1 or 0", for: "label"), at: labelNode.position)
            }
            return Line(
                number: number, scoreID: try fields.required("score_id").text("score_id"),
                label: label, at: try fields.text("at"))
        }
    }

    /// The label that a word says; nil for another word.
    package static func label(_ word: String) -> Bool? {
        switch word {
        case "true", "1": true
        case "false", "0": false
        default: nil
        }
    }
}
