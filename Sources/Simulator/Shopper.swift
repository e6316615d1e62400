// SPDX-License-Identifier: Apache-2.0

/// A person who comes to the shop: what can be seen, and the temperament that cannot.
package struct Shopper: Hashable, Sendable {
    /// What the shop is seen on.
    package var device: Device
    /// Where the visit came from.
    package var source: TrafficSource
    /// `nil` for a guest.
    package var customer: CustomerProfile?
    /// Hidden from every feature.
    package var temperament: Temperament

    /// A shopper of these traits.
    package init(
        device: Device, source: TrafficSource, customer: CustomerProfile?,
        temperament: Temperament
    ) {
        self.device = device
        self.source = source
        self.customer = customer
        self.temperament = temperament
    }
}

extension Shopper {
    /// Somebody new at the door. `thrift` and `loyalty` are a customer's lasting traits
    /// (standard normal, 0 for the average), and a guest has them drawn.
    init(customer: CustomerProfile?, thrift: Double, loyalty: Double, chance: inout Chance) {
        let device = Device.allCases[chance.index(weights: [0.36, 0.56, 0.08])]
        let source = TrafficSource.allCases[
            chance.index(
                weights: customer == nil
                    ? [0.14, 0.12, 0.02, 0.34, 0.20, 0.18] : [0.06, 0.36, 0.24, 0.18, 0.08, 0.08])]
        self.init(
            device: device, source: source, customer: customer,
            temperament: Temperament(
                device: device, source: source, customer: customer, thrift: thrift,
                loyalty: loyalty, chance: &chance))
    }
}

extension Temperament {
    init(
        device: Device, source: TrafficSource, customer: CustomerProfile?, thrift: Double,
        loyalty: Double, chance: inout Chance
    ) {
        var intent = -0.65 + 0.95 * chance.normal()
        var thrift = thrift
        switch source {
        case .comparison: (intent, thrift) = (intent + 0.25, thrift + 1.0)
        case .direct: intent += 0.7
        case .email: (intent, thrift) = (intent + 0.6, thrift + 0.35)
        case .search: intent += 0.05
        case .paidSearch: intent -= 0.10
        case .social: intent -= 1.0
        }
        switch device {
        case .desktop: intent += 0.40
        case .mobile: intent -= 0.40
        case .tablet: break
        }
        if let customer {
            intent += 0.5 + 0.6 * loyalty
            intent -= min(customer.daysSinceLastOrder / 365, 1.5) * 1.0
        }
        let patience = 0.9 * chance.normal() + (device == .mobile ? -0.45 : 0.2)
        let trouble = -1.9 + 0.9 * chance.normal() + (device == .mobile ? 0.35 : 0)
        self.init(
            intent: intent,
            priceSensitivity: Chance.probability(logOdds: 1.2 * thrift),
            patience: Chance.probability(logOdds: patience),
            paymentTrouble: Chance.probability(
                logOdds: trouble - (customer == nil ? 0 : 0.7)),
            isRemote: chance.happens(0.12),
            pace: Chance.exponential(0.35 * chance.normal() + (device == .mobile ? -0.15 : 0.1)))
    }
}
