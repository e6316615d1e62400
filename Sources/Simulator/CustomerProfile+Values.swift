// SPDX-License-Identifier: Apache-2.0

extension CustomerProfile {
    /// The name of the feature set.
    package static let featureSet = "customer_profile"

    /// The feature set's schema, in the order of ``values``.
    package static let columns = [
        FeatureColumn("orders", .int64),
        FeatureColumn("average_basket", .float32),
        FeatureColumn("days_since_last_order", .float32),
        FeatureColumn("return_rate", .float32),
        FeatureColumn(
            "segment", .string(categories: CustomerSegment.allCases.map(\.rawValue).sorted())),
    ]

    /// One value per column of ``columns``; money in euros.
    package var values: [FeatureValue] {
        [
            .integer(Int64(orders)),
            .float(Float(averageBasketCents) / 100),
            .float(Float(daysSinceLastOrder)),
            .float(Float(returnRate)),
            .text(segment.rawValue),
        ]
    }
}
