// SPDX-License-Identifier: Apache-2.0

internal import Documents

/// What a load came to.
struct LoadReport {
    let file: String
    let featureSet: String
    let state: LoadState
    let reasons: [String: Int]
    let seconds: Double
    /// Rows that an earlier part of the load had read.
    let rowsBefore: Int

    private var rate: Int {
        seconds > 0 ? Int(Double(state.read - rowsBefore) / seconds) : 0
    }

    private var commonReasons: [(key: String, value: Int)] {
        reasons.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
    }

    var lines: [String] {
        var lines = [
            "\(featureSet): \(grouped(state.read)) rows read, \(grouped(state.applied)) applied,"
                + " \(grouped(state.ignoredOlder)) ignored as older,"
                + (state.ignoredErased > 0
                    ? " \(grouped(state.ignoredErased)) of erased entities," : "")
                + " \(grouped(state.rejected)) rejected;"
                + " \(ValueText.fixed(seconds, digits: 1)) s, \(grouped(rate)) rows/s"
        ]
        lines += commonReasons.prefix(5).map { "  \(grouped($0.value)) rejected: \($0.key)" }
        if state.generation > 0 {
            lines.append("generation \(state.generation) is loaded and does not serve yet:")
            lines.append("  kassa generation check \(featureSet.prefix { $0 != "@" })")
        }
        return lines
    }

    var tree: Tree {
        .map([
            .init("feature_set", .text(featureSet)),
            .init("file", .text(file)),
            .init("read", .integer(Int64(state.read))),
            .init("applied", .integer(Int64(state.applied))),
            .init("ignored_older", .integer(Int64(state.ignoredOlder))),
            .init("ignored_erased", .integer(Int64(state.ignoredErased))),
            .init("rejected", .integer(Int64(state.rejected))),
            .init(
                "reasons",
                .map(commonReasons.map { .init($0.key, .integer(Int64($0.value))) })),
            .init("generation", .integer(Int64(state.generation))),
            .init("seconds", .number(seconds)),
            .init("rows_per_second", .integer(Int64(rate))),
            .init("reconciles", .flag(state.reconciles)),
        ])
    }

    /// Fails unless every row that was read is accounted for, and there was one.
    func reconcile(contradictions: [String]) throws(CommandError) {
        guard state.read > 0 else { throw .failed("\(file) has no rows") }
        let sum = state.applied + state.ignoredOlder + state.ignoredErased + state.rejected
        guard contradictions.isEmpty, state.reconciles else {
            throw .failed(
                ([
                    "the counts do not agree: \(state.read) rows were read, but \(state.applied)"
                        + " applied + \(state.ignoredOlder) ignored as older + \(state.rejected)"
                        + " rejected = \(sum)"
                ] + contradictions.prefix(10)).joined(separator: "\n  "))
        }
    }
}
