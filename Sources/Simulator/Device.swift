// SPDX-License-Identifier: Apache-2.0

/// What the shopper holds in the hand; the raw values are the categories of the feature `device`.
package enum Device: String, CaseIterable, Sendable {
    case desktop, mobile, tablet
}
