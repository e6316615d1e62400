// SPDX-License-Identifier: Apache-2.0

import Base
import Rollout
import Testing

struct `The calibration` {
    @Test func `of four labels is that of the formulas`() throws {
        var calibration = Calibration()
        for (probability, outcome) in [(0.9, true), (0.2, false), (0.6, true), (0.4, true)] {
            calibration.observe(probability: probability, outcome: outcome)
        }
        let brier = try #require(calibration.brierScore)
        #expect(abs(brier - (0.01 + 0.04 + 0.16 + 0.36) / 4) < 1e-12)
        // −(ln 0.9 + ln 0.8 + ln 0.6 + ln 0.4)/4
        let loss = try #require(calibration.logLoss)
        #expect(abs(loss - 0.438_905_1) < 1e-6)
        let ratio = try #require(calibration.observedOverExpected)
        #expect(abs(ratio - 3 / 2.1) < 1e-12)
        #expect(calibration.expectedCalibrationError == nil)
    }

    @Test func `error is near zero for a calibrated slot and near its bias for a biased one`()
        throws
    {
        for bias in [0.0, 0.05] {
            var calibration = Calibration()
            var generator = SeededGenerator(seed: 1)
            for _ in 0..<40_000 {
                let truth = 0.05 + Double(generator.next() % 1_000) / 2_000
                let outcome = Double(generator.next() % 100_000) / 100_000 < truth
                calibration.observe(probability: truth + bias, outcome: outcome)
            }
            let error = try #require(calibration.expectedCalibrationError)
            #expect(abs(error - bias) < 0.012)
        }
    }

    @Test func `error is told from 500 labels and 50 positives on`() {
        func calibration(labels: Int, positives: Int) -> Calibration {
            var calibration = Calibration()
            for index in 0..<labels {
                calibration.observe(probability: 0.1, outcome: index < positives)
            }
            return calibration
        }
        #expect(calibration(labels: 500, positives: 50).expectedCalibrationError != nil)
        #expect(calibration(labels: 499, positives: 50).expectedCalibrationError == nil)
        #expect(calibration(labels: 500, positives: 49).expectedCalibrationError == nil)
    }

    @Test(arguments: [-0.001, 1.001, .nan, .infinity])
    func `refuses what is no probability`(probability: Double) {
        var calibration = Calibration()
        calibration.observe(probability: probability, outcome: true)
        #expect(calibration.labels == 0)
        #expect(calibration.refusedLabels == 1)
        #expect(calibration.brierScore == nil)
    }

    @Test(arguments: [0.0, 1.0, 1e-300, 0.5])
    func `takes certainty and stays finite`(probability: Double) throws {
        var calibration = Calibration()
        calibration.observe(probability: probability, outcome: probability < 0.5)
        let loss = try #require(calibration.logLoss)
        #expect(loss.isFinite)
    }
}
