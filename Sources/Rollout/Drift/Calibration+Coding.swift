// SPDX-License-Identifier: Apache-2.0

extension Calibration {
    private static let magic: UInt32 = 0x4C_41_43_4B
    private static let version: UInt16 = 1

    /// The bytes that ``init(decoding:)`` reads: fixed-width little-endian fields and their CRC-32C.
    package var encoded: [UInt8] {
        var writer = RecordWriter(magic: Self.magic, version: Self.version)
        writer.put(labels)
        writer.put(refusedLabels)
        writer.put(positives)
        writer.put(squaredErrors)
        writer.put(logLosses)
        writer.put(probabilities)
        writer.put(counts)
        writer.put(outcomes)
        writer.put(sums.map(\.bitPattern))
        return writer.finish()
    }

    /// The calibration that was encoded, bit for bit.
    package init(decoding bytes: Span<UInt8>) throws(EvidenceError) {
        self.init()
        var reader = try RecordReader(
            bytes, magic: Self.magic, versions: Self.version...Self.version)
        labels = try reader.integer()
        refusedLabels = try reader.integer()
        positives = try reader.integer()
        squaredErrors = try reader.double()
        logLosses = try reader.double()
        probabilities = try reader.double()
        counts = try reader.words(count: Self.fineBins)
        outcomes = try reader.words(count: Self.fineBins)
        sums = try reader.words(count: Self.fineBins).map { Double(bitPattern: $0) }
        try reader.finish()
        // What no sequence of labels gives would overflow or divide by nothing where it is read.
        var total: UInt64 = 0
        var happened: UInt64 = 0
        for bin in counts.indices {
            let (sum, overflow) = total.addingReportingOverflow(counts[bin])
            guard !overflow, outcomes[bin] <= counts[bin], sums[bin] >= 0, sums[bin].isFinite
            else { throw .corrupt }
            total = sum
            happened += outcomes[bin]
        }
        guard total == labels, happened == positives, labels < 1 << 56,
            squaredErrors.isFinite, logLosses.isFinite, probabilities.isFinite
        else { throw .corrupt }
    }
}
