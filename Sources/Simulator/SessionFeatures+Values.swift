// SPDX-License-Identifier: Apache-2.0

internal import Base

extension SessionFeatures {
    /// One value per column of ``columns``; money in euros, times in seconds.
    package var values: [FeatureValue] {
        [
            .integer(Int64(pagesViewed)),
            .integer(Int64(productViews)),
            .integer(Int64(distinctProducts)),
            .integer(Int64(comparisons)),
            .integer(Int64(searches)),
            .integer(Int64(cartItems)),
            .float(Float(cartCents) / 100),
            .integer(Int64(removals)),
            .integer(Int64(shippingViews)),
            shippingCents.map { .float(Float($0) / 100) } ?? .missing,
            shippingRatio.map { .float(Float($0)) } ?? .missing,
            .integer(Int64(couponAttempts)),
            .flag(discountCents > 0),
            .integer(Int64(paymentFailures)),
            .float(Float(secondsInSession)),
            .float(Float(secondsIdle)),
            .float(Float(secondsSinceLastAction)),
            .text(step.rawValue),
            .text(device.rawValue),
            .text(source.rawValue),
            .integer(Int64(start.hourOfDay)),
            .flag(isReturning),
        ]
    }
}
