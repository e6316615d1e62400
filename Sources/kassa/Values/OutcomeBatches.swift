// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Documents

/// Outcomes from operands or from a file, as many at a time as go into one request.
struct OutcomeBatches: ~Copyable {
    /// Outcomes in one request.
    static let batchCountMax = 5_000
    /// The most bytes of a file of JSON Lines, which is read whole.
    static let linesByteCountMax = 256 << 20

    private var labels: LabelFile?
    private var places = (id: 0, label: 0, at: Int?.none)
    private var rest: ArraySlice<KassaV1.Outcome> = []

    init(_ arguments: Arguments, file: String, at: String) throws(CommandError) {
        if let path = arguments.value(file) {
            guard arguments.operands.isEmpty, arguments.value(at) == nil else {
                throw .usage("with \(file) the outcomes and their times are those of the file")
            }
            if path.hasSuffix(".jsonl") {
                rest = try Self.lines(path)[...]
            } else if path.hasSuffix(".csv") {
                let labels = try LabelFile(path)
                places = (
                    try labels.place(of: "score_id"), try labels.place(of: "label"),
                    labels.header.firstIndex(of: "at")
                )
                self.labels = consume labels
            } else {
                throw .usage("the name \(path) must end in .csv or .jsonl")
            }
            return
        }
        guard !arguments.operands.isEmpty else {
            throw .usage("name outcomes, SCORE_ID=LABEL, or a file: \(file) outcomes.csv")
        }
        let time = try arguments.time(at) ?? 0
        var outcomes: [KassaV1.Outcome] = []
        for word in arguments.operands {
            let given = try NamedText(word, form: "SCORE_ID=LABEL, such as 9123…=true")
            guard let label = OutcomeFile.label(given.text) else {
                throw .usage("\"\(word)\": the label must be true, false, 1 or 0")
            }
            outcomes.append(KassaV1.Outcome(scoreId: given.name, label: label, atUs: time))
        }
        rest = outcomes[...]
    }

    /// The next outcomes; nil at the end.
    mutating func next() throws(CommandError) -> [KassaV1.Outcome]? {
        var batch: [KassaV1.Outcome] = []
        while batch.count < Self.batchCountMax, let outcome = try nextOutcome() {
            batch.append(outcome)
        }
        return batch.isEmpty ? nil : batch
    }

    private mutating func nextOutcome() throws(CommandError) -> KassaV1.Outcome? {
        if let outcome = rest.popFirst() { return outcome }
        guard let fields = try labels?.next() else { return nil }
        let place = "\(labels?.path ?? ""):\(labels?.line ?? 0)"
        guard let label = OutcomeFile.label(fields[places.label]) else {
            throw .failed("\(place): label must be true, false, 1 or 0")
        }
        return KassaV1.Outcome(
            scoreId: fields[places.id], label: label,
            atUs: try Self.time(places.at.map { fields[$0] } ?? "", at: place))
    }

    private static func lines(_ path: String) throws(CommandError) -> [KassaV1.Outcome] {
        let bytes = try bytes(ofFile: path, byteCountMax: linesByteCountMax)
        let lines: [OutcomeFile.Line]
        do throws(DocumentError) {
            lines = try OutcomeFile.lines(in: bytes.span)
        } catch {
            throw .failed("\(path): \(error)")
        }
        var outcomes: [KassaV1.Outcome] = []
        for line in lines {
            outcomes.append(
                KassaV1.Outcome(
                    scoreId: line.scoreID, label: line.label,
                    atUs: try time(line.at, at: "\(path):\(line.number)")))
        }
        return outcomes
    }

    private static func time(_ text: String, at place: String) throws(CommandError) -> Int64 {
        if text.isEmpty { return 0 }
        guard let time = TimeText.microseconds(text) else {
            throw .failed("\(place): at must be \(TimeText.form)")
        }
        return time
    }
}
