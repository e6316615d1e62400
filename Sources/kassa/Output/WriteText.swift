// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Documents

/// What became of one row that was written.
struct WriteText {
    /// "session=s-81".
    let row: String
    let valueCount: Int
    let response: KassaV1.WriteResponse

    var line: String {
        let outcome =
            if response.applied > 0 {
                "wrote \(counted(valueCount, "value"))"
            } else if response.ignoredErased > 0 {
                "ignored as older than the erasure of the entity"
            } else {
                "ignored as older than what is stored"
            }
        let again = response.repeatedAnswer ? ", the answer of the first time" : ""
        return "\(outcome): \(response.featureSet) \(row), \(response.reached.name.lowercased())"
            + again
    }

    var tree: Tree {
        .map([
            .init("feature_set", .text(response.featureSet)),
            .init("applied", .integer(Int64(response.applied))),
            .init("ignored_older", .integer(Int64(response.ignoredOlder))),
            .init("ignored_erased", .integer(Int64(response.ignoredErased))),
            .init("repeated_answer", .flag(response.repeatedAnswer)),
            .init("reached", .text(response.reached.name.lowercased())),
        ])
    }
}
