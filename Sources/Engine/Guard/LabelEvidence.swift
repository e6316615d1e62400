// SPDX-License-Identifier: Apache-2.0

internal import Rollout
internal import Store
internal import Synchronization

/// Hands labels that were stored to the guards.
///
/// After the commit: what a kill loses in between makes a verdict later, and no label is weighed twice.
final class LabelEvidence: LabelConsumer {
    private let guards: Guards
    private let taken = Mutex<[String: [MaturedLabel]]>([:])

    init(_ guards: Guards) {
        self.guards = guards
    }

    func take(
        _ labels: [MaturedLabel], of scorer: String, in transaction: inout WriteTransaction
    ) throws(StoreError) {
        // A transaction that is repeated brings them again.
        taken.withLock { $0[scorer] = labels.filter { $0.score.rollout > 0 } }
    }

    func labelsWereStored(of scorer: String) {
        let labels = taken.withLock { $0.removeValue(forKey: scorer) } ?? []
        if !labels.isEmpty { guards.observe(labels, of: scorer) }
    }
}
