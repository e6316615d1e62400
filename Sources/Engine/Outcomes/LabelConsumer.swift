// SPDX-License-Identifier: Apache-2.0

internal import Rollout
internal import Store

/// What learns from labels, exactly once each, whatever becomes of the process.
///
/// Called on the writer's thread, within the transaction that moves the cursor over the labels' scores:
/// state that is stored in it and the cursor are committed together or not at all. The transaction may
/// be repeated, and several commands share it, so what is not in `transaction` must not change before
/// ``labelsWereStored(_:of:)``, which brings the labels once more.
protocol LabelConsumer: Sendable {
    /// Takes labels of one scorer, in the order of their predictions.
    func take(
        _ labels: [MaturedLabel], of scorer: String, in transaction: inout WriteTransaction
    ) throws(StoreError)

    /// Takes the same labels, which are committed now: each once, command by command.
    func labelsWereStored(_ labels: [MaturedLabel], of scorer: String)
}

extension LabelConsumer {
    func take(
        _ labels: [MaturedLabel], of scorer: String, in transaction: inout WriteTransaction
    ) throws(StoreError) {}

    func labelsWereStored(_ labels: [MaturedLabel], of scorer: String) {}
}
