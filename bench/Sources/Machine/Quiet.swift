// SPDX-License-Identifier: Apache-2.0

/// How quiet the machine was during a measurement.
struct Quiet {
    /// Share of all cores that the host took away.
    var stolen: Double
    /// Share of all cores that neither the servers nor the client used.
    var others: Double
    /// Rounds of the calibration loop per microsecond, before and after.
    var speeds: [Double]

    /// Above this share of stolen or foreign time a measurement is repeated.
    static let foreignShareMax = 0.02

    var isQuiet: Bool { stolen < Self.foreignShareMax && others < Self.foreignShareMax }
}
