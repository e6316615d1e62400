// SPDX-License-Identifier: Apache-2.0

/// The families that no single type of this module counts, declared in one place.
package enum KassaMetrics {
    /// Rows that a write made the newest; per loop or writer.
    package static let featureRowsWritten = MetricFamily(
        .counter, "kassa_features_rows_written_total",
        help: "Rows of which at least one value became the newest.")
    /// Scores by scorer and slot; count them with ``LabelledCounters``.
    package static let scores = MetricFamily(
        .counter, "kassa_scores_total", help: "Scores computed.", labels: ["scorer", "slot"])
    /// Features that a model saw and that were not PRESENT; by status, never by entity.
    package static let degradedFeatures = MetricFamily(
        .counter, "kassa_degraded_features_total",
        help: "Features of scored requests that were not PRESENT.", labels: ["status"])
    /// Number of the configuration in force.
    package static let epoch = MetricFamily(
        .gauge, "kassa_config_epoch", help: "Number of the configuration in force.")
    /// Size of the store's memory map, the most that it can hold.
    package static let storeMapBytes = MetricFamily(
        .gauge, "kassa_store_map_bytes", help: "Size of the store's memory map.")
    /// Bytes of pages in use.
    package static let storeUsedBytes = MetricFamily(
        .gauge, "kassa_store_used_bytes", help: "Bytes of the store's pages up to the last used.")
    /// Pages up to the last used one.
    package static let storePages = MetricFamily(
        .gauge, "kassa_store_pages", help: "Pages of the store up to the last used.")
    /// Pages that are free for reuse.
    package static let storeFreePages = MetricFamily(
        .gauge, "kassa_store_free_pages", help: "Pages of the store free for reuse.")
    /// Entries of a table.
    package static let storeEntries = MetricFamily(
        .gauge, "kassa_store_entries", help: "Entries of a table of the store.", labels: ["table"])
    /// Always 1; the labels say what runs.
    package static let buildInfo = MetricFamily(
        .gauge, "kassa_build_info", help: "What is running; always 1.",
        labels: ["version", "commit", "swift"])
}
