// SPDX-License-Identifier: Apache-2.0

package import Base

/// What an event loop asks of the protocol that a connection speaks.
///
/// Called on the loop's thread only. After `receive`, `tick`, `drain` and whatever a mailbox does
/// to a session that is then marked dirty, the loop calls `produce` while `wantsProduce`.
package protocol ByteSession: AnyObject {
    /// Bytes have arrived; answer everything they ask for.
    func receive(_ bytes: Span<UInt8>, now: MonotonicTime)
    /// Whether `produce` would append something.
    var wantsProduce: Bool { get }
    /// Appends bytes to send; may stop at a bound of its own and be asked again.
    func produce(into buffer: inout ByteBuffer, now: MonotonicTime)
    /// Whether to close the connection once everything produced is sent.
    var wantsClose: Bool { get }
    /// When `tick` has something to do; asked after each turn that touched the session.
    var nextDeadline: MonotonicTime { get }
    /// `nextDeadline` may have passed.
    func tick(now: MonotonicTime)
    /// The process wants to end: finish what is open, then want to close.
    func drain(now: MonotonicTime)
    /// The connection is gone; nothing more is called.
    func closed()
}
