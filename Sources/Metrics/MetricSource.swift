// SPDX-License-Identifier: Apache-2.0

/// Something that has samples to give when a scrape asks.
package protocol MetricSource: Sendable {
    /// Every family that it may give samples of.
    var families: [MetricFamily] { get }

    /// Adds its samples as they are now; on the admin thread, so it must not wait for a loop.
    func collect(into snapshot: inout MetricSnapshot)
}
