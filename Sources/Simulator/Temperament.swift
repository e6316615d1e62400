// SPDX-License-Identifier: Apache-2.0

/// What drives a shopper and cannot be seen: the hidden causes behind every session.
///
/// The features reveal it in part (somebody who compares a lot is probably price sensitive), which
/// is what makes abandonment predictable, and never perfectly so.
package struct Temperament: Hashable, Sendable {
    /// Log-odds of wanting to buy today.
    package var intent: Double
    /// How much a euro hurts, 0...1.
    package var priceSensitivity: Double
    /// How much trouble and waiting is borne, 0...1.
    package var patience: Double
    /// Probability that a payment attempt fails.
    package var paymentTrouble: Double
    /// Lives where parcels cost more.
    package var isRemote: Bool
    /// Seconds between two actions relative to the average shopper.
    package var pace: Double

    /// A temperament of these traits.
    package init(
        intent: Double, priceSensitivity: Double, patience: Double, paymentTrouble: Double,
        isRemote: Bool, pace: Double
    ) {
        self.intent = intent
        self.priceSensitivity = priceSensitivity
        self.patience = patience
        self.paymentTrouble = paymentTrouble
        self.isRemote = isRemote
        self.pace = pace
    }
}
