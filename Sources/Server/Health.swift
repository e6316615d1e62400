// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Synchronization

/// Whether the server takes new calls: what health checks and the readiness probe say.
final class Health: Sendable {
    private let hasStarted = Atomic(false)
    private let isDraining = Atomic(false)

    /// The loops run.
    func start() {
        hasStarted.store(true, ordering: .releasing)
    }

    /// From now on the answer is NOT_SERVING.
    func drain() {
        isDraining.store(true, ordering: .releasing)
    }

    /// Whether new calls are welcome.
    var isServing: Bool {
        !isDraining.load(ordering: .acquiring)
    }

    /// Why the process wants no calls at the moment, in a few words; nil if it wants them.
    /// `writeRefusal` says why the store takes no writes, if it takes none.
    func unreadiness(writeRefusal: String?) -> String? {
        if !hasStarted.load(ordering: .acquiring) { return "starting" }
        if !isServing { return "draining" }
        return writeRefusal
    }

    /// The status of a service by its full name, "" for the whole server; nil for an unknown one.
    func status(of service: String) -> HealthV1.HealthCheckResponse.ServingStatus? {
        guard service.isEmpty || RPC.services.contains(where: { $0.name == service }) else {
            return nil
        }
        return isServing ? .serving : .notServing
    }
}
