// SPDX-License-Identifier: Apache-2.0

/// What one write says about one row: some columns at one event time.
///
/// The spans have an element per written column; they are lent by the batch.
package struct RowPatch: ~Escapable {
    /// Physical columns, each once.
    let columns: Span<UInt16>
    /// A raw ``Presence`` each; absent cells are left alone.
    let states: Span<UInt8>
    /// The slot's bits each; for values of the tail the offset in `tail` (high half) and the length.
    let bits: Span<UInt64>
    /// Strings, vectors and lists as they are stored.
    let tail: Span<UInt8>
    /// Microseconds.
    let eventTime: Int64

    @_lifetime(copy columns, copy states, copy bits, copy tail)
    init(
        columns: Span<UInt16>, states: Span<UInt8>, bits: Span<UInt64>, tail: Span<UInt8>,
        eventTime: Int64
    ) {
        self.columns = columns
        self.states = states
        self.bits = bits
        self.tail = tail
        self.eventTime = eventTime
    }
}
