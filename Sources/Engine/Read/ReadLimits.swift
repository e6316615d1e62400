// SPDX-License-Identifier: Apache-2.0

/// The bounds of one read.
package enum ReadLimits {
    /// Values (entities times features) in one request.
    package static let valuesMax = 1_000_000
    /// Feature sets in one request.
    package static let selectionsMax = 64
    /// Bytes of one reply, as many as stock clients take: names and text make it far longer than
    /// its request.
    package static let replyByteCountMax = 4 << 20
    /// Rows that are looked up before any of them is encoded, if they are of several feature sets.
    static let rowsTogetherMax = 16_384
    /// Ids that a loop keeps memory for between reads.
    static let idsKeptMax = 65_536
    /// Bytes that a loop's plans of recent selections may take.
    static let plansByteCountMax = 8 << 20
}
