// SPDX-License-Identifier: Apache-2.0

internal import Rollout

/// Hands labels that were stored to the guards.
///
/// After the commit: what a kill loses in between makes a verdict later, and no label is weighed twice.
/// It keeps none itself: scores that mature and labels that come late share a commit, and each command
/// brings its own.
struct LabelEvidence: LabelConsumer {
    let guards: Guards

    func labelsWereStored(_ labels: [MaturedLabel], of scorer: String) {
        let labels = labels.filter { $0.score.rollout > 0 }
        if !labels.isEmpty { guards.observe(labels, of: scorer) }
    }
}
