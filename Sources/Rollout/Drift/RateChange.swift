// SPDX-License-Identifier: Apache-2.0

/// Watches a rate for a rise above what is tolerated, for ever, at a bounded rate of false alarms.
///
/// An e-CUSUM: at the end of each window C ← max(C, 1)·L, with L the bet of ``FlipTest`` against "the rate
/// is at most the tolerated one", one C per alternative, and their mean against the threshold. The mean
/// run between false alarms is at least the threshold, in windows (Shin, Ramdas and Rinaldo 2022,
/// "E-detectors", arXiv 2203.03532, section 2).
package struct RateChange: Equatable, Sendable {
    /// The tolerated rate.
    package let rateMax: Double
    /// The mean run between false alarms, in windows.
    package let runLength: Double
    /// Windows closed.
    package private(set) var windows: UInt64 = 0
    /// The number of the window in which the alarm went on; nil while it is off.
    package private(set) var alarmWindow: UInt64?

    private var values = LogValues()

    /// Values that a window must have to be counted.
    package static let windowValuesMin: UInt64 = 200

    /// A watch on a rate that is tolerated up to `rateMax`, 10⁻⁶ to 0.5.
    package init(rateMax: Double, runLength: Double) {
        self.rateMax = min(max(rateMax, 1e-6), 0.5)
        self.runLength = max(runLength, 2)
    }

    /// A watch on a rate that the reference had: tolerated up to the double, or a percentage point more.
    package init(referenceRate rate: Double, runLength: Double) {
        self.init(rateMax: Self.tolerated(referenceRate: rate), runLength: runLength)
    }

    /// What a rate may rise to where it usually is `rate`: the double, or a percentage point more.
    package static func tolerated(referenceRate rate: Double) -> Double {
        max(2 * rate, rate + 0.01)
    }

    /// Goes on with an alarm that was on before: it ends as any other does.
    mutating func resumeAlarm() { alarmWindow = windows }

    /// The evidence of a rise as a natural logarithm; 0 when there is none.
    package var logEvidence: Double { max(values.logMean(FlipTest.lanes), 0) }

    /// Counts a window of `total` values of which `count` were so; whether the alarm is on.
    ///
    /// It stays on until a window has no more than the tolerated rate. A window of fewer than
    /// ``windowValuesMin`` values is not counted: keep adding to it.
    @discardableResult
    package mutating func close(count: UInt64, of total: UInt64) -> Bool {
        guard total >= Self.windowValuesMin && count <= total else { return alarmWindow != nil }
        windows &+= 1
        values.raiseToZero()
        let bet = FlipTest(rateMax: rateMax).values(pairs: total, differing: count)
        values.add(bet.units)
        if values.logMean(FlipTest.lanes) >= Logarithm.natural(runLength) {
            alarmWindow = alarmWindow ?? windows
            values = LogValues()
        } else if Double(count) <= rateMax * Double(total) {
            alarmWindow = nil
        }
        return alarmWindow != nil
    }
}
