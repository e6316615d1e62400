// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import Synchronization

/// What the thread of a webhook does, and what it shares with others.
final class Courier: Sendable {
    private struct State {
        var queue = DeliveryQueue(waitingMax: WebhookLimits.waitingMax)
        var delivered: UInt64 = 0
        var failed: UInt64 = 0
        var attempts = WebhookMetrics.Attempts()
        var isStopping = false
        /// Why the last attempt failed; nil if it did not.
        var failure: String?
    }

    /// When every transfer is given up; the end of time until the server ends.
    private let end = TransferEnd()
    /// Used by the thread only.
    private let poster: HTTPPoster
    private let settings: WebhookSettings
    private let state = Mutex(State())
    private let wakeUps = Semaphore()

    init(_ settings: WebhookSettings) throws(WebhookError) {
        poster = try HTTPPoster(settings, end: end)
        self.settings = settings
    }

    func post(_ event: WebhookEvent) {
        let now = MonotonicTime.now()
        state.withLock { state in
            if state.isStopping {
                state.queue.countDropped()
            } else {
                state.queue.add(event, now: now)
            }
        }
        wakeUps.signal()
    }

    func stop(waitMilliseconds: UInt64) {
        end.set(MonotonicTime.now().advanced(byNanoseconds: waitMilliseconds &* 1_000_000))
        state.withLock { $0.isStopping = true }
        wakeUps.signal()
    }

    var metrics: WebhookMetrics {
        WebhookMetrics { [self] in
            let now = MonotonicTime.now()
            return state.withLock { state in
                WebhookMetrics.Numbers(
                    delivered: state.delivered, failed: state.failed,
                    dropped: state.queue.dropped, attempts: state.attempts,
                    waiting: state.queue.count,
                    oldestNanoseconds: state.queue.oldest.map { now.nanoseconds(since: $0) } ?? 0)
            }
        }
    }

    /// Delivers until ``stop(waitMilliseconds:)``, then what is left.
    func run() {
        var random = SeededGenerator(seed: settings.seed)
        while true {
            let now = MonotonicTime.now()
            let step: DeliveryQueue.Step? = state.withLock { state in
                state.isStopping ? nil : state.queue.next(now: now)
            }
            switch step {
            case .deliver(let entry): attempt(entry, chance: random.next())
            case .wait(let time): _ = wakeUps.wait(until: time)
            case nil: return deliverRest()
            }
        }
    }

    /// Tries everything that waits once more, the oldest first, as long as there is time.
    private func deliverRest() {
        while MonotonicTime.now() < end.time,
            let entry = state.withLock({ $0.queue.takeOldest() })
        {
            attempt(entry, chance: 0)
        }
        state.withLock { $0.queue.dropAll() }
    }

    private func attempt(_ entry: DeliveryQueue.Entry, chance: UInt64) {
        var entry = entry
        entry.attempts += 1
        let signature = WebhookSignature.header(
            body: entry.event.body, secret: settings.secret,
            unixSeconds: Timestamp.now().microseconds / 1_000_000)
        let outcome = poster.post(
            headers: [
                "Content-Type: application/json", "Kassa-Signature: \(signature)",
                "Kassa-Event-Id: \(entry.event.id)", "Kassa-Event-Type: \(entry.event.type)",
                "Kassa-Attempt: \(entry.attempts)",
                // Nobody is asked whether a small body is welcome.
                "Expect:",
            ],
            body: entry.event.body.span, timeoutMilliseconds: settings.timeoutMilliseconds)
        let now = MonotonicTime.now()
        let verdict = settings.policy.verdict(
            outcome, attempts: entry.attempts,
            ageMilliseconds: now.nanoseconds(since: entry.queuedAt) / 1_000_000, chance: chance)
        let last = state.withLock { state in
            state.attempts.count(outcome, verdict)
            defer { state.failure = outcome.failure }
            switch verdict {
            case .delivered: state.delivered += 1
            case .failed: state.failed += 1
            case .retry where state.isStopping: state.queue.countDropped()
            case .retry(let rest):
                state.queue.putBack(entry, dueAt: now.advanced(byNanoseconds: rest * 1_000_000))
            }
            return state.failure
        }
        guard outcome.failure != last else { return }
        settings.note?(
            outcome.failure.map { "the webhook took no alarm: \($0)" }
                ?? "the webhook takes alarms again")
    }
}
