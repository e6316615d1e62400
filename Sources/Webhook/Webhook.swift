// SPDX-License-Identifier: Apache-2.0

internal import Base

/// Delivers events to a URL by HTTP POST, from a thread of its own, and goes on trying for a while.
///
/// An event that could not be delivered is tried again later and later (``RetryPolicy``), each by itself, so
/// one that is refused holds up no other; therefore they may arrive out of order, and more than once. An event
/// keeps its id over all attempts. Each attempt is signed anew (``WebhookSignature``). The queue is bounded:
/// when it is full the oldest event is dropped. It is in memory only, so a crash loses what was not delivered.
///
/// Redirects are not followed, certificates are verified, and of an answer only its status counts. A proxy is
/// used where the environment names one, as every program with libcurl does.
///
/// ```swift
/// let webhook = try Webhook(WebhookSettings(url: "https://pager.example/kassa", secret: secret))
/// webhook.post(WebhookEvent(id: alarm.id, type: "alarm.frozen", body: alarm.json()))
/// webhook.stop()        // what can be delivered within 3 s is
/// ```
package final class Webhook: Sendable {
    private let courier: Courier
    private let thread: Thread

    /// Starts the thread; nothing is sent yet.
    ///
    /// - Throws: what is wrong with a setting.
    package init(_ settings: WebhookSettings) throws(WebhookError) {
        try settings.check()
        let courier = try Courier(settings)
        self.courier = courier
        thread = Thread(name: "webhook") { courier.run() }
    }

    /// Queues an event, from any thread; never waits for the network.
    package func post(_ event: WebhookEvent) {
        courier.post(event)
    }

    /// Tries each event that waits once more, up to a bound of time, drops the rest, and joins the thread.
    ///
    /// To be called once. libcurl looks at the bound once a second, so it may take a second more.
    package func stop(waitMilliseconds: UInt64 = WebhookLimits.drainMilliseconds) {
        courier.stop(waitMilliseconds: waitMilliseconds)
        thread.join()
    }

    /// What was delivered and what was not, for a registry.
    package var metrics: WebhookMetrics { courier.metrics }
}
