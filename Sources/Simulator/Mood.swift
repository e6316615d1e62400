// SPDX-License-Identifier: Apache-2.0

/// What the visit has done to the shopper so far.
struct Mood: Hashable, Sendable {
    /// Log-odds-like will to buy now; starts at the shopper's intent.
    var resolve: Double

    /// Every step costs a little will, and the impatient more of it.
    mutating func tire(patience: Double) {
        resolve -= 0.012 / (0.3 + patience)
    }
}
