// SPDX-License-Identifier: Apache-2.0

import Base
import Rollout
import Testing

struct SlotCalibrationTests {
    private func sample(seed: UInt64, count: Int) -> SlotCalibration {
        var random = SeededGenerator(seed: seed)
        var calibration = SlotCalibration(bundle: 0x0123_4567_89AB_CDEF)
        for _ in 0..<count {
            let score = Double.random(in: 0...1, using: &random)
            let label = Double.random(in: 0...1, using: &random) < score
            calibration.take(
                label, score: score, bundle: 0x0123_4567_89AB_CDEF, isOnTime: true)
        }
        return calibration
    }

    @Test(arguments: [0, 1, 700])
    func `what is stored is what was counted, bit for bit`(count: Int) throws {
        let calibration = sample(seed: 81, count: count)
        let bytes = calibration.encoded
        let read = try SlotCalibration(decoding: bytes.span)
        #expect(read == calibration)
        #expect(read.calibration.brierScore == calibration.calibration.brierScore)
        #expect(read.encoded == bytes)
    }

    @Test func `damaged, short and foreign bytes are refused`() {
        let bytes = sample(seed: 82, count: 20).encoded
        for index in 8..<bytes.count where index % 97 == 0 || index < 40 {
            var damaged = bytes
            damaged[index] ^= 4
            #expect(throws: EvidenceError.self) { try SlotCalibration(decoding: damaged.span) }
        }
        for count in [0, 8, 9, bytes.count - 1] {
            #expect(throws: EvidenceError.self) {
                try SlotCalibration(decoding: bytes.span.extracting(0..<count))
            }
        }
    }

    @Test func `another model in the slot begins anew`() {
        var calibration = sample(seed: 83, count: 50)
        calibration.take(true, score: 0.9, bundle: 2, isOnTime: true)
        #expect(calibration.bundle == 2)
        #expect(calibration.calibration.labels == 1)
    }

    @Test func `a late label of the model before counts for nobody`() {
        var calibration = sample(seed: 84, count: 50)
        let before = calibration
        calibration.take(true, score: 0.9, bundle: 2, isOnTime: false)
        #expect(calibration == before)
        calibration.take(true, score: 0.9, bundle: before.bundle, isOnTime: false)
        #expect(calibration.calibration.labels == 51)
    }
}
