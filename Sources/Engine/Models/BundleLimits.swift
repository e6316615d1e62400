// SPDX-License-Identifier: Apache-2.0

/// The bounds of a bundle: what a model brings along beside its artefact.
package enum BundleLimits {
    /// Golden rows of a model; there must be one at least.
    package static let goldenRowsMax = 1_000
    /// The widest tolerance of a golden row, as a share of the expected number or of 1 if that is less.
    package static let goldenToleranceShareMax = 0.01
    /// The tolerance of a golden row that names none, as a share likewise.
    package static let goldenToleranceShare = 1e-6
    /// Bins of a histogram over numbers.
    package static let histogramBinsMax = 10
    /// Categories of a histogram over texts.
    package static let histogramCategoriesMax = 20
    /// Points of an isotonic calibration.
    package static let isotonicPointsMax = 1_000
    /// Bytes of a spec with all that it holds, so that a reply with it stays below 4 MiB.
    package static let specByteCountMax = 3 << 20
}
