// SPDX-License-Identifier: Apache-2.0

/// The samples of all families at one moment, merged over the sources that gave them.
///
/// Two samples of a family with the same label values are one series: counts and gauges are added,
/// histograms merged. That is how the cells of several loops become one number.
package struct MetricSnapshot: Sendable {
    /// A number of one series.
    package enum Value: Sendable {
        /// Counts, exactly.
        case count(UInt64)
        case number(Double)
        case histogram(HistogramSnapshot)
    }

    private var series: [MetricFamily: [[String]: Value]] = [:]

    /// A snapshot of nothing yet.
    package init() {}

    /// Adds a sample of a counter or gauge.
    ///
    /// - Parameter labels: one value per label of the family, in its order.
    package mutating func add(_ family: MetricFamily, _ labels: [String] = [], count: UInt64) {
        merge(.count(count), family, labels)
    }

    /// Adds a sample of a counter or gauge that is not a whole number.
    package mutating func add(_ family: MetricFamily, _ labels: [String] = [], number: Double) {
        merge(.number(number), family, labels)
    }

    /// Adds a histogram.
    package mutating func add(
        _ family: MetricFamily, _ labels: [String] = [], histogram: HistogramSnapshot
    ) {
        merge(.histogram(histogram), family, labels)
    }

    /// Lists a family even if nothing gives it a sample.
    package mutating func declare(_ family: MetricFamily) {
        series[family, default: [:]].merge([:]) { first, _ in first }
    }

    /// The families, by name.
    package var families: [MetricFamily] {
        series.keys.sorted { $0.name < $1.name }
    }

    /// The series of `family`, in the order of their label values.
    package func samples(of family: MetricFamily) -> [(labels: [String], value: Value)] {
        (series[family] ?? [:])
            .sorted { $0.key.lexicographicallyPrecedes($1.key) }
            .map { (labels: $0.key, value: $0.value) }
    }

    private mutating func merge(_ value: Value, _ family: MetricFamily, _ labels: [String]) {
        precondition(labels.count == family.labels.count)
        let isHistogram = if case .histogram = value { true } else { false }
        precondition(isHistogram == (family.kind == .histogram))
        series[family, default: [:]][labels] = series[family]?[labels].map { $0 + value } ?? value
    }
}

extension MetricSnapshot.Value {
    /// Both as one series; histograms and numbers do not mix.
    static func + (left: Self, right: Self) -> Self {
        switch (left, right) {
        case (.count(let left), .count(let right)):
            return .count(left &+ right)
        case (.histogram(var left), .histogram(let right)):
            left.merge(right)
            return .histogram(left)
        case (.number(let left), .number(let right)):
            return .number(left + right)
        case (.count(let count), .number(let number)), (.number(let number), .count(let count)):
            return .number(Double(count) + number)
        case (.histogram, _), (_, .histogram):
            preconditionFailure("a family mixes histograms with numbers")
        }
    }
}
