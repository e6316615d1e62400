// SPDX-License-Identifier: Apache-2.0

/// A write on its way through the writer's mailbox.
///
/// The writer calls ``apply(in:sequence:)`` and then ``completed(_:)``, both on its own thread, so both
/// must be short: all other writes wait. The same object may be submitted again once it is completed.
package protocol WriteCommand: AnyObject, Sendable {
    /// The level to reach before it is acknowledged.
    var durability: Durability { get }
    /// Records it will write, 1 or more; constant while it is submitted.
    var recordCount: Int { get }
    /// Bytes of the keys and values it will write; constant while it is submitted.
    var byteCount: Int { get }
    /// Whether it is a control-plane change: applied once and only once, in a transaction to itself,
    /// and taken into a full mailbox too, so that a rollback never waits for an overload to end.
    var needsOwnTransaction: Bool { get }

    /// Makes the command's writes in `transaction`, all under the write sequence `sequence`.
    ///
    /// Throws to write nothing: this command is left out of its group and completed with the error.
    /// It may be called again, when a command of the same group threw after it had written: what it
    /// computed before counts for nothing. A failed write of LMDB fails the whole group, whatever the
    /// command does with the error.
    func apply(in transaction: inout WriteTransaction, sequence: UInt64) throws(StoreError)

    /// Hears how it ended; called once for each submission.
    func completed(_ outcome: WriteOutcome)
}

extension WriteCommand {
    /// False: it shares a transaction with what arrives at the same time.
    package var needsOwnTransaction: Bool { false }
}
