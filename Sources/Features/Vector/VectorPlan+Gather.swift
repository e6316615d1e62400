// SPDX-License-Identifier: Apache-2.0

internal import Base

extension VectorPlan {
    /// Fills in the inputs of one group from its row, or from there being none.
    ///
    /// Writes for each input of the group the number that the model sees (NaN: missing), the raw
    /// ``ValueStatus``, and the age of the stored value in microseconds (-1 where there is none).
    /// The three spans have ``count`` elements. A string is its category's code; one that is no
    /// category has the code of others, NaN unless the model brings one, and stays PRESENT. A timestamp is the seconds from it until now. A vector fills as
    /// many inputs as it has components. A float64 too large for a float32 is INVALID.
    /// A feature's fallbacks are followed; if one wants no score, the summary names the first such input.
    ///
    /// - Parameter now: microseconds since the epoch.
    /// - Complexity: O(bytes of the row + inputs of the group); allocates nothing.
    package func gather(
        _ row: Span<UInt8>?, group: Int, now: Int64, into vector: inout MutableSpan<Double>,
        _ statuses: inout MutableSpan<UInt8>, _ ages: inout MutableSpan<Int64>,
        _ summary: inout GatherSummary
    ) {
        precondition(group >= 0 && group < groups.count)
        precondition(vector.count == count)
        precondition(statuses.count == count)
        precondition(ages.count == count)
        // Safe: the pointers are used within the closures, for inputs below `count` only.
        unsafe vector.withUnsafeMutableBufferPointer { vector in
            unsafe statuses.withUnsafeMutableBufferPointer { statuses in
                unsafe ages.withUnsafeMutableBufferPointer { ages in
                    guard
                        let values = vector.baseAddress, let statuses = statuses.baseAddress,
                        let ages = ages.baseAddress
                    else { return }
                    let target = unsafe Target(values: values, statuses: statuses, ages: ages)
                    guard let row else {
                        return unsafe fill(group, .noEntity, now, target, &summary)
                    }
                    unsafe gather(row, group, now, target, &summary)
                }
            }
        }
    }

    /// Where a gathering writes.
    @unsafe struct Target {
        let values: UnsafeMutablePointer<Double>
        let statuses: UnsafeMutablePointer<UInt8>
        let ages: UnsafeMutablePointer<Int64>
    }

    private func gather(
        _ row: Span<UInt8>, _ group: Int, _ now: Int64, _ target: Target,
        _ summary: inout GatherSummary
    ) {
        do throws(RowDamage) {
            try RowView.verify(row)
        } catch {
            summary.damagedRowCount += 1
            return unsafe fill(group, .invalid, now, target, &summary)
        }
        let first = unsafe firstLayouts[group]
        let layoutCount = unsafe firstLayouts[group + 1] - first
        let layoutIndex = Int(row.load(at: 24, as: UInt16.self)) - 1
        guard
            row[26] == RowLayout.formatVersion, layoutIndex >= 0, layoutIndex < layoutCount
        else {
            summary.unknownLayoutRowCount += 1
            return unsafe fill(group, .invalid, now, target, &summary)
        }
        guard unsafe layouts[first + layoutIndex].fixedEnd <= row.count else {
            summary.damagedRowCount += 1
            return unsafe fill(group, .invalid, now, target, &summary)
        }
        let layout = unsafe layouts[first + layoutIndex]
        let age = max(0, now &- row.load(at: 16, as: Int64.self))
        // One event time, every value there, and all young: nothing to decide per input.
        let isPlain =
            layout.vectorEnd == layout.end && row.load(at: 28, as: UInt16.self) == 0
            && age <= layout.freshMax && hasAll(row, layout)
        if isPlain {
            unsafe gatherPlain(row, layout, age, now, target, &summary)
        } else {
            unsafe gatherCells(row, layout, now, target, &summary)
        }
    }

    /// Whether every input's column has a value.
    @inline(__always)
    private func hasAll(_ row: Span<UInt8>, _ layout: LayoutPlan) -> Bool {
        for index in 0..<layout.maskCount {
            let mask = unsafe masks[layout.firstMask + index]
            let word: UInt64 = row.load(at: RowLayout.headerByteCount + index * 8)
            if word & mask != Presence.allPresent & mask { return false }
        }
        return true
    }

    private func gatherPlain(
        _ row: Span<UInt8>, _ layout: LayoutPlan, _ age: Int64, _ now: Int64, _ target: Target,
        _ summary: inout GatherSummary
    ) {
        // Safe: `fixedEnd`, checked by the caller, is past every slot of the layout; loads may be unaligned.
        unsafe row.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress, let cells = unsafe cells.baseAddress else { return }
            var index = layout.firstCell
            while index < layout.stringEnd {
                let input = unsafe Int(cells[index].input)
                unsafe target.statuses[input] = ValueStatus.present.rawValue
                unsafe target.ages[input] = age
                index += 1
            }
            index = layout.firstCell
            while index < layout.float32End {
                let cell = unsafe cells[index]
                unsafe target.values[Int(cell.input)] = Double(
                    base.loadUnaligned(fromByteOffset: Int(cell.offset), as: Float.self))
                index += 1
            }
            while index < layout.float64End {
                let cell = unsafe cells[index]
                let value = unsafe base.loadUnaligned(
                    fromByteOffset: Int(cell.offset), as: Double.self)
                unsafe target.values[Int(cell.input)] = value
                if !Float(value).isFinite { unsafe refuse(Int(cell.input), target, &summary) }
                index += 1
            }
            while index < layout.int64End {
                let cell = unsafe cells[index]
                unsafe target.values[Int(cell.input)] = Double(
                    base.loadUnaligned(fromByteOffset: Int(cell.offset), as: Int64.self))
                index += 1
            }
            while index < layout.boolEnd {
                let cell = unsafe cells[index]
                let isSet = unsafe base.load(fromByteOffset: Int(cell.offset), as: UInt8.self) != 0
                unsafe target.values[Int(cell.input)] = isSet ? 1 : 0
                index += 1
            }
            while index < layout.timestampEnd {
                let cell = unsafe cells[index]
                let time = unsafe base.loadUnaligned(
                    fromByteOffset: Int(cell.offset), as: Int64.self)
                unsafe target.values[Int(cell.input)] = InputRule.seconds(since: time, now: now)
                index += 1
            }
            while index < layout.stringEnd {
                let cell = unsafe cells[index]
                let code = unsafe category(bytes, cell, tailStart: layout.fixedEnd)
                if let code {
                    unsafe target.values[Int(cell.input)] = Double(code)
                } else {
                    unsafe refuse(Int(cell.input), target, &summary)
                }
                index += 1
            }
            while index < layout.vectorEnd {
                let cell = unsafe cells[index]
                unsafe takeVector(
                    bytes, cell, tailStart: layout.fixedEnd, .present, age, target, &summary)
                index += 1
            }
        }
        summary.oldestAge = max(summary.oldestAge, age)
    }

    /// Where the value of a cell lies in the tail; nil if the slots are malformed.
    @inline(__always)
    private func tailRange(
        _ bytes: UnsafeRawBufferPointer, _ cell: LayoutPlan.Cell, tailStart: Int
    ) -> Range<Int>? {
        let previous = Int(cell.previousTailOffset)
        let start =
            unsafe previous == 0
            ? 0
            : Int(
                UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: previous, as: UInt32.self))
            )
        let end = unsafe Int(
            UInt32(
                littleEndian: bytes.loadUnaligned(
                    fromByteOffset: Int(cell.offset), as: UInt32.self)))
        guard start <= end, end <= bytes.count - tailStart else { return nil }
        return tailStart + start..<tailStart + end
    }

    /// The code of a string's category, NaN if it is none; nil if the slots are malformed.
    @inline(__always)
    func category(
        _ bytes: UnsafeRawBufferPointer, _ cell: LayoutPlan.Cell, tailStart: Int
    ) -> Float? {
        guard let range = unsafe tailRange(bytes, cell, tailStart: tailStart) else { return nil }
        let text = unsafe UnsafeBufferPointer(
            rebasing: bytes.bindMemory(to: UInt8.self)[range])
        let rule = unsafe rules[Int(cell.input)]
        let index = unsafe tables[rule.table].index(of: text)
        // No category is -1, and the code of that lies before the first category's.
        return unsafe codes[rule.firstCode + index]
    }

    /// Takes a stored vector into its inputs, with one status; INVALID if the slots are malformed.
    @inline(__always)
    func takeVector(
        _ bytes: UnsafeRawBufferPointer, _ cell: LayoutPlan.Cell, tailStart: Int,
        _ status: ValueStatus, _ age: Int64, _ target: Target, _ summary: inout GatherSummary
    ) {
        let first = Int(cell.input)
        let count = unsafe rules[first].count
        let range = unsafe tailRange(bytes, cell, tailStart: tailStart)
        let isWhole = range?.count == count * 4
        let start = range?.lowerBound ?? 0
        for index in 0..<count {
            let input = first + index
            unsafe target.ages[input] = age
            // Safe: the range lies in the row, and is 4 bytes long for each component.
            let value =
                unsafe isWhole
                ? bytes.loadUnaligned(fromByteOffset: start + index * 4, as: Float.self) : .nan
            if value.isFinite {
                unsafe target.values[input] = Double(value)
                unsafe target.statuses[input] = status.rawValue
            } else {
                unsafe refuse(input, target, &summary)
            }
        }
    }

    /// Turns an input whose value does not fit into INVALID.
    func refuse(_ input: Int, _ target: Target, _ summary: inout GatherSummary) {
        unsafe target.values[input] = .nan
        unsafe target.statuses[input] = ValueStatus.invalid.rawValue
        summary.degradedCount += 1
        if unsafe rules[input].failing.has(.invalid) { summary.fail(input) }
    }

    /// Gives every input of a group the same status, or its default where that may stand in.
    private func fill(
        _ group: Int, _ status: ValueStatus, _ now: Int64, _ target: Target,
        _ summary: inout GatherSummary
    ) {
        var index = unsafe firstInputs[group]
        let end = unsafe firstInputs[group + 1]
        while index < end {
            unsafe miss(groupInputs[index], status, age: -1, now, target, &summary)
            index += 1
        }
    }

    /// Records a value that is not used, or the default in its place.
    @inline(__always)
    func miss(
        _ input: Int, _ status: ValueStatus, age: Int64, _ now: Int64, _ target: Target,
        _ summary: inout GatherSummary
    ) {
        let rule = unsafe rules[input]
        let isDefaulted = rule.defaulted.has(status)
        unsafe target.values[input] = isDefaulted ? rule.standIn(now: now) : .nan
        unsafe target.statuses[input] =
            (isDefaulted ? ValueStatus.defaulted : status).rawValue
        unsafe target.ages[input] = age
        summary.degradedCount += 1
        if !isDefaulted && rule.failing.has(status) { summary.fail(input) }
    }
}

extension GatherSummary {
    /// Notes an input with whose status there is no score; the first in the model's order counts.
    mutating func fail(_ input: Int) {
        if failedInput < 0 || input < failedInput { failedInput = input }
    }
}
