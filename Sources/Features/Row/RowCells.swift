// SPDX-License-Identifier: Apache-2.0

/// A row unpacked into an array per aspect, an element per column: the memory of ``RowScratch``.
///
/// Plain pointers, so that a loop holds them by value. Each array has `FeatureLimits.columnsMax`
/// initialised elements, and no layout has more columns: that makes every index below a column count safe.
@unsafe struct RowCells {
    /// Raw ``Presence``.
    let states: UnsafeMutablePointer<UInt8>
    /// Microseconds.
    let times: UnsafeMutablePointer<Int64>
    /// A slot's bits; for values of the tail offset (high half) and length (low half) in the row or the patch.
    let bits: UnsafeMutablePointer<UInt64>
    /// 1 if the cell is the patch's, 0 if it is the stored row's.
    let origins: UnsafeMutablePointer<UInt8>
    /// Distinct event times, latest first.
    let distinct: UnsafeMutablePointer<Int64>

    static func allocate() -> RowCells {
        unsafe RowCells(
            states: array(of: 0), times: array(of: 0), bits: array(of: 0), origins: array(of: 0),
            distinct: array(of: 0))
    }

    func deallocate() {
        unsafe states.deallocate()
        unsafe times.deallocate()
        unsafe bits.deallocate()
        unsafe origins.deallocate()
        unsafe distinct.deallocate()
    }

    /// Makes the first `columnCount` cells absent.
    func clear(_ columnCount: Int) {
        precondition(columnCount <= FeatureLimits.columnsMax)
        unsafe states.update(repeating: 0, count: columnCount)
        unsafe times.update(repeating: 0, count: columnCount)
        unsafe bits.update(repeating: 0, count: columnCount)
        unsafe origins.update(repeating: 0, count: columnCount)
    }

    /// Collects the distinct event times of cells, latest first; returns how many.
    func gatherTimes(_ columnCount: Int) -> Int {
        var count = 0
        var previous: Int64 = 0
        for column in 0..<columnCount where unsafe states[column] != Presence.absent.rawValue {
            let time = unsafe times[column]
            // Neighbours mostly share their time.
            if count > 0 && time == previous { continue }
            previous = time
            let place = unsafe place(of: time, among: count)
            if unsafe place < count && distinct[place] == time { continue }
            var index = count
            while index > place {
                unsafe distinct[index] = distinct[index - 1]
                index -= 1
            }
            unsafe distinct[place] = time
            count += 1
        }
        return count
    }

    /// The place of `time` among the first `count` distinct times, or where it belongs.
    func place(of time: Int64, among count: Int) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if unsafe distinct[middle] > time { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private static func array<Element: BitwiseCopyable>(
        of zero: Element
    ) -> UnsafeMutablePointer<Element> {
        let memory = UnsafeMutablePointer<Element>.allocate(capacity: FeatureLimits.columnsMax)
        unsafe memory.initialize(repeating: zero, count: FeatureLimits.columnsMax)
        return unsafe memory
    }
}
