// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Rollout

/// How the two models of a watched rollout are compared. The raw values are stored.
enum WatchMode: UInt8, BitwiseCopyable, Sendable {
    /// Each model answers its entities, and the two groups are compared.
    case split
    /// STABLE answers, the candidate scores beside it.
    case shadow
    /// The canary answers everybody, STABLE scores beside it.
    case whole
    /// The promoted model answers from STABLE, PREVIOUS scores beside it.
    case aftercare

    /// The mode that a rollout is watched in.
    init(of rollout: RolloutState) {
        self =
            switch rollout.phase {
            case .shadow: .shadow
            case .promoted: .aftercare
            case .canary, .paused, .aborted, .rolledBack:
                rollout.weight.millionths == Weight.wholeMillionths ? .whole : .split
            }
    }

    /// Whether both models are known to have had the same request: then of an event that one of them has,
    /// either is as likely to have it if they are equally good, and the share of evidence is a half.
    @inline(__always)
    var comparesRequests: Bool { self != .split }

    /// What evidence is weighed under, in millionths.
    func share(of rollout: RolloutState) -> UInt32 {
        comparesRequests ? Weight.wholeMillionths / 2 : rollout.weight.millionths
    }

    /// The mode's name in the API.
    var name: String {
        switch self {
        case .split: "SPLIT"
        case .shadow: "SHADOW"
        case .whole: "WHOLE"
        case .aftercare: "AFTERCARE"
        }
    }

    /// The slot of the model that is on trial, and of the one that it is compared with, in words.
    var words: (trial: String, reference: String) {
        self == .aftercare ? ("STABLE", "PREVIOUS") : ("the candidate", "STABLE")
    }
}

extension KassaStorageV1.StoredEvidence {
    /// Whether it is of the time after a promotion.
    var isAftercare: Bool { mode == UInt32(WatchMode.aftercare.rawValue) }
}
