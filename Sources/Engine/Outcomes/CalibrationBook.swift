// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Rollout
internal import Store

/// The calibrations of scorers' slots, in the store: under lane and slot in `calibrations`.
///
/// Nothing of it is in memory, so what is read is what was committed, by whichever process.
struct CalibrationBook: LabelConsumer {
    let tables: EngineTables

    /// The slots that have one.
    static let slots: [KassaV1.Slot] = [.stable, .canary, .shadow, .previous]

    static func key(lane: UInt32, slot: UInt8) -> [UInt8] {
        LaneState.key(lane) + [slot]
    }

    func take(
        _ labels: [MaturedLabel], of scorer: String, in transaction: inout WriteTransaction
    ) throws(StoreError) {
        var slots: [UInt8: SlotCalibration] = [:]
        for label in labels {
            let score = label.score
            try take(
                label, score.stable, score.stableBundle,
                slot: UInt8(KassaV1.Slot.stable.rawValue), &slots, in: transaction)
            guard score.candidateSlot > 0 else { continue }
            try take(
                label, score.candidate, score.candidateBundle, slot: score.candidateSlot, &slots,
                in: transaction)
        }
        guard let lane = labels.first?.score.id.lane else { return }
        for (slot, calibration) in slots {
            let key = Self.key(lane: lane, slot: slot)
            let value = calibration.encoded
            try transaction.put(value.span, forKey: key.span, in: tables.calibrations)
        }
    }

    private func take(
        _ label: MaturedLabel, _ score: Double, _ bundle: UInt64, slot: UInt8,
        _ slots: inout [UInt8: SlotCalibration], in transaction: borrowing WriteTransaction
    ) throws(StoreError) {
        // This model did not score the request.
        guard !score.isNaN else { return }
        if slots[slot] == nil {
            let key = Self.key(lane: label.score.id.lane, slot: slot)
            var stored: SlotCalibration?
            if let bytes = try transaction.value(forKey: key.span, in: tables.calibrations) {
                stored = try? SlotCalibration(decoding: bytes)
            }
            slots[slot] = stored ?? SlotCalibration(bundle: bundle)
        }
        slots[slot]?.take(
            label.label, score: score, bundle: bundle, isOnTime: label.isOnTime)
    }

    /// The calibration of a slot; nil if there is none, or its bytes are damaged.
    func calibration(
        lane: UInt32, slot: UInt8, in transaction: borrowing ReadTransaction
    ) throws(StoreError) -> SlotCalibration? {
        let key = Self.key(lane: lane, slot: slot)
        guard let bytes = try transaction.value(forKey: key.span, in: tables.calibrations) else {
            return nil
        }
        return try? SlotCalibration(decoding: bytes)
    }
}
