// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// The sources of a process's metrics, and the families that they declared.
///
/// Sources are registered while the process starts and read by every scrape. Several sources may
/// give the same family (one per loop); they must declare it in the same words.
package final class Registry: Sendable {
    /// Why a source was refused.
    package enum Conflict: Error, Hashable {
        /// Another source declares the family of this name with another kind, help or labels.
        case family(name: String)
    }

    private struct State {
        var families: [String: MetricFamily] = [:]
        var sources: [any MetricSource] = []
    }

    private let state = Mutex(State())

    /// A registry without sources.
    package init() {}

    /// Adds a source; all its families or, on a conflict, nothing.
    package func register(_ source: some MetricSource) throws(Conflict) {
        let conflict: Conflict? = state.withLock { state in
            for family in source.families {
                if let known = state.families[family.name], known != family {
                    return .family(name: family.name)
                }
            }
            for family in source.families { state.families[family.name] = family }
            state.sources.append(source)
            return nil
        }
        if let conflict { throw conflict }
    }

    /// Adds a source that is a closure: for gauges that are read rather than counted.
    package func register(
        _ families: [MetricFamily],
        collect: @escaping @Sendable (inout MetricSnapshot) -> Void
    ) throws(Conflict) {
        try register(ClosureSource(families: families, body: collect))
    }

    /// The samples of all sources now.
    package func snapshot() -> MetricSnapshot {
        let (families, sources) = state.withLock { ($0.families, $0.sources) }
        var snapshot = MetricSnapshot()
        for family in families.values { snapshot.declare(family) }
        for source in sources { source.collect(into: &snapshot) }
        return snapshot
    }
}

private struct ClosureSource: MetricSource {
    let families: [MetricFamily]
    let body: @Sendable (inout MetricSnapshot) -> Void

    func collect(into snapshot: inout MetricSnapshot) { body(&snapshot) }
}
