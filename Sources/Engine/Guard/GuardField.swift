// SPDX-License-Identifier: Apache-2.0

internal import API

/// One field of a policy, by its name in the API.
struct GuardField {
    let name: String
    /// Whether it decides about a candidate, so that it is fixed when the rollout begins.
    let decides: Bool
    /// Whether two policies have the same; what the first leaves out is.
    let agrees: (KassaV1.GuardPolicy, KassaV1.GuardPolicy) -> Bool
    private let copy: (KassaV1.GuardPolicy, inout KassaV1.GuardPolicy) -> Void

    private init<Value: Equatable>(
        _ name: String, _ path: WritableKeyPath<KassaV1.GuardPolicy, Value>, absent: Value,
        decides: Bool = false
    ) {
        self.name = name
        self.decides = decides
        agrees = { asked, other in
            asked[keyPath: path] == absent || asked[keyPath: path] == other[keyPath: path]
        }
        copy = { $1[keyPath: path] = $0[keyPath: path] }
    }

    /// Puts what one policy has into another.
    func take(from policy: KassaV1.GuardPolicy, into other: inout KassaV1.GuardPolicy) {
        copy(policy, &other)
    }

    /// All of them, in the order of the API's numbers.
    static var all: [GuardField] {
        [
            GuardField("alpha", \.alpha, absent: 0, decides: true),
            GuardField("relative_risk_max", \.relativeRiskMax, absent: 0, decides: true),
            GuardField("flip_rate_max", \.flipRateMax, absent: 0, decides: true),
            GuardField("brier_margin", \.brierMargin, absent: 0, decides: true),
            GuardField("calibration_margin_pp", \.calibrationMarginPp, absent: 0, decides: true),
            GuardField("slo_microseconds", \.sloMicroseconds, absent: 0),
            GuardField("pair_share_percent", \.pairSharePercent, absent: 0),
            GuardField("dwell_ms", \.dwellMs, absent: 0),
            GuardField("entities_min", \.entitiesMin, absent: 0),
            GuardField("pairs_min", \.pairsMin, absent: 0),
            GuardField("deadline_ms", \.deadlineMs, absent: 0),
            GuardField("decision_threshold", \.decisionThreshold, absent: 0, decides: true),
            GuardField("watch_share_percent", \.watchSharePercent, absent: nil),
        ]
    }
}

extension KassaV1.GuardPolicy {
    /// The first field in which it asks for something else than `other` has; nil if there is none.
    func differingField(
        from other: KassaV1.GuardPolicy, among isWanted: (GuardField) -> Bool
    ) -> String? {
        GuardField.all.first { isWanted($0) && !$0.agrees(self, other) }?.name
    }
}
