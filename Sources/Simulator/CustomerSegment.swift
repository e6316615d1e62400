// SPDX-License-Identifier: Apache-2.0

/// What the shop's own analysts call a customer; the raw values are the categories of `segment`.
package enum CustomerSegment: String, CaseIterable, Sendable {
    case bargain, lapsed, loyal, new, regular
}
