// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// The counters of all models in slots. Control work and changes of configuration take its lock;
/// requests do not.
final class DriftBook: Sendable {
    private let loopCount: Int
    /// nil for a model that brought no histogram.
    private let counters = Mutex<[DriftKey: DriftCounters?]>([:])

    init(loopCount: Int) {
        self.loopCount = loopCount
    }

    /// The counters of a slot's model, made if it is new; nil if it brought no histogram.
    func counters(of scorer: Scorer) -> DriftCounters? {
        let key = DriftKey(scorer)
        return counters.withLock { counters in
            if let found = counters[key] { return found }
            let made = DriftPlan(scorer.model, scorer.plan).map {
                DriftCounters($0, loopCount: loopCount)
            }
            counters[key] = .some(made)
            return made
        }
    }

    /// Forgets the models that are in none of these slots.
    func keep(only scorers: [Scorer]) {
        let keys = Set(scorers.map(DriftKey.init))
        counters.withLock { counters in
            counters = counters.filter { keys.contains($0.key) }
        }
    }
}
