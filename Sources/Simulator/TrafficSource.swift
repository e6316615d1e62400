// SPDX-License-Identifier: Apache-2.0

/// How the shopper came; the raw values are the categories of the feature `traffic_source`.
package enum TrafficSource: String, CaseIterable, Sendable {
    case comparison, direct, email, search, social
    case paidSearch = "paid_search"
}
