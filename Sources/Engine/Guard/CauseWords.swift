// SPDX-License-Identifier: Apache-2.0

package import API
internal import Rollout

/// Causes in words, for the reason of a rollback, alarms and the command line.
package enum CauseWords {
    /// What was the matter most, "STALE profile.visits (12), NULL cart.items (3)"; empty if nothing is known.
    ///
    /// - Parameters:
    ///   - event: "fallbacks", "errors" or "slo_misses".
    ///   - isTrial: of the model on trial, or of the one that it is compared with.
    ///   - limit: how many to name; the others are counted.
    package static func text(
        _ causes: [KassaV1.GuardCause], of event: String, ofTrial isTrial: Bool,
        limit: Int = namedMax
    ) -> String {
        let causes = causes.filter { $0.event == event && $0.candidate == isTrial }
        guard !causes.isEmpty else { return "" }
        if event == EvidenceComponent.sloMisses.name {
            return "typically \(milliseconds(typicalMicroseconds(causes))) ms"
        }
        let groups = groups(causes)
        let named = groups.prefix(limit).map(\.words).joined(separator: ", ")
        let rest = groups.count - min(limit, groups.count)
        return named + (rest > 0 ? " and \(rest) more" : "")
    }

    /// Causes that one text names, if nothing else is said.
    package static var namedMax: Int { CauseLimits.namedMax }

    /// The median of the times of misses.
    package static func typicalMicroseconds(_ misses: [KassaV1.GuardCause]) -> UInt64 {
        let times = misses.filter { $0.microseconds > 0 }.sorted {
            $0.microseconds < $1.microseconds
        }
        let half = (times.reduce(0) { $0 &+ $1.entities } &+ 1) / 2
        var sum: UInt64 = 0
        for time in times {
            sum &+= time.entities
            if sum >= half { return time.microseconds }
        }
        return 0
    }

    /// "0.46", "1.9", "120": two digits that count.
    package static func milliseconds(_ microseconds: UInt64) -> String {
        if microseconds >= 10_000 { return "\((microseconds + 500) / 1_000)" }
        let step: UInt64 = microseconds >= 1_000 ? 100 : microseconds >= 100 ? 10 : 1
        let rounded = (microseconds + step / 2) / step * step
        var decimals = String("\(1_000 + rounded % 1_000)".dropFirst())
        while decimals.last == "0" { decimals.removeLast() }
        return "\(rounded / 1_000)" + (decimals.isEmpty ? "" : ".\(decimals)")
    }

    /// Features of one set that have the same status at as many entities, or an error.
    private struct Group {
        var first: KassaV1.GuardCause
        var features: [String] = []

        var set: Substring { CauseWords.set(of: first) }

        var words: String {
            let count = "(\(first.entities))"
            guard first.error.isEmpty else { return "\"\(first.error)\" \(count)" }
            let status = first.status.name
            guard features.count > CauseLimits.namedMax else {
                return "\(status) \(features.joined(separator: ", ")) \(count)"
            }
            return "\(status) \(features[0]) and \(features.count - 1) more of \(set) \(count)"
        }
    }

    private static func groups(_ causes: [KassaV1.GuardCause]) -> [Group] {
        var groups: [Group] = []
        for cause in causes {
            let place = groups.firstIndex {
                cause.error.isEmpty && $0.first.error.isEmpty && $0.first.status == cause.status
                    && $0.first.entities == cause.entities && $0.set == set(of: cause)
            }
            if let place {
                groups[place].features.append(cause.feature)
            } else {
                groups.append(Group(first: cause, features: [cause.feature]))
            }
        }
        return groups
    }

    private static func set(of cause: KassaV1.GuardCause) -> Substring {
        cause.feature.prefix { $0 != "." }
    }
}
