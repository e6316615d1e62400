// SPDX-License-Identifier: Apache-2.0

internal import CKernels

/// A forest in memory of its own, as the kernels of `CKernels` read it.
///
/// A value of pointers; `ForestEvaluator` owns the memory, and nothing writes to it after packing.
@unsafe struct RankedForest: @unchecked Sendable {
    /// What the C functions are given.
    private let header: UnsafeMutablePointer<kassa_forest>
    private let chunks: UnsafeMutablePointer<kassa_chunk>
    private let searches: UnsafeMutablePointer<kassa_search>
    private let runs: UnsafeMutablePointer<kassa_run>
    private let thresholds: UnsafeMutablePointer<Float>
    private let wideThresholds: UnsafeMutablePointer<Double>?
    private let words: UnsafeMutablePointer<UInt32>
    private let bytes: UnsafeMutableRawPointer
    let byteCount: Int

    /// Whether this processor can evaluate the layout.
    static let isSupported = kassa_has_avx512() != 0

    /// Takes `bytes` over; `wideThresholds` is empty if rows of float64 are not compared as such.
    init(
        chunks: [kassa_chunk], searches: [kassa_search], runs: [kassa_run],
        thresholds: [Float], wideThresholds: [Double], words: [UInt32],
        bytes: UnsafeMutableRawBufferPointer, arithmetic: TreeEnsemble.Arithmetic
    ) {
        unsafe self.chunks = alignedCopy(chunks)
        unsafe self.searches = alignedCopy(searches)
        unsafe self.runs = alignedCopy(runs)
        unsafe self.thresholds = alignedCopy(thresholds)
        unsafe self.wideThresholds = wideThresholds.isEmpty ? nil : alignedCopy(wideThresholds)
        unsafe self.words = alignedCopy(words)
        unsafe self.bytes = bytes.baseAddress!
        unsafe byteCount =
            bytes.count + thresholds.count * MemoryLayout<Float>.stride
            + wideThresholds.count * MemoryLayout<Double>.stride
            + searches.count * MemoryLayout<kassa_search>.stride
            + words.count * MemoryLayout<UInt32>.stride
        unsafe header = .allocate(capacity: 1)
        unsafe header.initialize(
            to: kassa_forest(
                chunks: self.chunks, searches: self.searches, runs: self.runs,
                thresholds: self.thresholds, wide_thresholds: self.wideThresholds,
                words: self.words, bytes: self.bytes.assumingMemoryBound(to: UInt8.self),
                chunk_count: UInt32(chunks.count),
                has_wide_leaves: arithmetic == .double ? 1 : 0))
    }

    /// Frees the memory; no evaluation may be under way.
    func deallocate() {
        unsafe header.deallocate()
        unsafe chunks.deallocate()
        unsafe searches.deallocate()
        unsafe runs.deallocate()
        unsafe thresholds.deallocate()
        unsafe wideThresholds?.deallocate()
        unsafe words.deallocate()
        unsafe bytes.deallocate()
    }

    /// Adds to each output's base the leaves that a prepared row reaches, in their order.
    @inline(__always)
    func add(_ row: UnsafePointer<Float>, to sums: UnsafeMutablePointer<Double>) {
        unsafe kassa_forest_add(header, row, sums)
    }

    /// As for a row of float32; the forest must have thresholds of float64.
    @inline(__always)
    func add(_ row: UnsafePointer<Double>, to sums: UnsafeMutablePointer<Double>) {
        unsafe kassa_forest_add_wide(header, row, sums)
    }
}

/// A copy of `array` that starts at a cache line and lives until it is deallocated.
@unsafe func alignedCopy<Element: BitwiseCopyable>(
    _ array: [Element]
) -> UnsafeMutablePointer<Element> {
    let memory = UnsafeMutableRawPointer.allocate(
        byteCount: max(array.count, 1) * MemoryLayout<Element>.stride, alignment: 64)
    let copy = unsafe memory.bindMemory(to: Element.self, capacity: max(array.count, 1))
    // Safe: the memory holds as many elements as the array has.
    unsafe array.withUnsafeBufferPointer { source in
        if let base = source.baseAddress {
            unsafe copy.initialize(from: base, count: source.count)
        }
    }
    return unsafe copy
}
