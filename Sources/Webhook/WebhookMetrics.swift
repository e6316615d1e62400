// SPDX-License-Identifier: Apache-2.0

package import Metrics

/// What became of a webhook's events.
package struct WebhookMetrics: MetricSource {
    /// Attempts by how they ended.
    struct Attempts {
        var delivered: UInt64 = 0
        var refused: UInt64 = 0
        var unreachable: UInt64 = 0

        mutating func count(_ outcome: DeliveryOutcome, _ verdict: RetryPolicy.Verdict) {
            switch outcome {
            case .unreachable: unreachable += 1
            case .answered where verdict == .delivered: delivered += 1
            case .answered: refused += 1
            }
        }
    }

    /// The numbers of one moment.
    struct Numbers {
        var delivered: UInt64
        var failed: UInt64
        var dropped: UInt64
        var attempts: Attempts
        var waiting: Int
        var oldestNanoseconds: UInt64
    }

    let read: @Sendable () -> Numbers

    private static let events = MetricFamily(
        .counter, "kassa_webhook_events_total",
        help: "Events by their end: delivered, failed (refused, or tried for too long), dropped.",
        labels: ["outcome"])
    private static let attempts = MetricFamily(
        .counter, "kassa_webhook_attempts_total",
        help: "Attempts to deliver, by the answer: delivered, refused, unreachable.",
        labels: ["result"])
    private static let waiting = MetricFamily(
        .gauge, "kassa_webhook_queue_length", help: "Events that wait for their next attempt.")
    private static let oldest = MetricFamily(
        .gauge, "kassa_webhook_oldest_seconds",
        help: "How long the oldest of them has waited; 0 if there is none.")

    /// Every family of a webhook.
    package var families: [MetricFamily] {
        [Self.events, Self.attempts, Self.waiting, Self.oldest]
    }

    /// Adds all series, so that the first failure is a rise.
    package func collect(into snapshot: inout MetricSnapshot) {
        let numbers = read()
        snapshot.add(Self.events, ["delivered"], count: numbers.delivered)
        snapshot.add(Self.events, ["failed"], count: numbers.failed)
        snapshot.add(Self.events, ["dropped"], count: numbers.dropped)
        snapshot.add(Self.attempts, ["delivered"], count: numbers.attempts.delivered)
        snapshot.add(Self.attempts, ["refused"], count: numbers.attempts.refused)
        snapshot.add(Self.attempts, ["unreachable"], count: numbers.attempts.unreachable)
        snapshot.add(Self.waiting, count: UInt64(numbers.waiting))
        snapshot.add(Self.oldest, number: Double(numbers.oldestNanoseconds) / 1e9)
    }
}
