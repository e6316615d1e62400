// SPDX-License-Identifier: Apache-2.0

internal import Rollout
internal import Store

/// What learns from labels, exactly once each, whatever becomes of the process.
///
/// Called on the writer's thread, within the transaction that moves the cursor over the labels' scores:
/// state that is stored in it and the cursor are committed together or not at all. The transaction may
/// be repeated, so what is not in `transaction` must not change before ``labelsWereStored(of:)``.
protocol LabelConsumer: Sendable {
    /// Takes labels of one scorer, in the order of their predictions.
    func take(
        _ labels: [MaturedLabel], of scorer: String, in transaction: inout WriteTransaction
    ) throws(StoreError)

    /// Hears that what it took last of `scorer` is committed; on the writer's thread.
    func labelsWereStored(of scorer: String)
}

extension LabelConsumer {
    func labelsWereStored(of scorer: String) {}
}
