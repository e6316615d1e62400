// SPDX-License-Identifier: Apache-2.0

extension VectorPlan {
    /// Gathers a row input by input: values may be missing, null, old, or of different times.
    ///
    /// The row's checksum is right and its slots lie inside it; the rest is checked here.
    func gatherCells(
        _ row: Span<UInt8>, _ layout: LayoutPlan, _ now: Int64, _ target: Target,
        _ summary: inout GatherSummary
    ) {
        let timeCount = Int(row.load(at: 28, as: UInt16.self))
        let latest: Int64 = row.load(at: 16)
        let times = (layout.fixedEnd + 7) & ~7
        let indexes = times + timeCount * 8
        let indexByteCount = RowLayout.timeIndexByteCount(timeCount: timeCount)
        let tailStart =
            timeCount == 0 ? layout.fixedEnd : indexes + layout.columnCount * indexByteCount
        let isSound = tailStart <= row.count
        if !isSound { summary.damagedRowCount += 1 }
        for index in layout.firstCell..<layout.end {
            let cell = unsafe cells[index]
            let input = Int(cell.input)
            let column = Int(cell.column)
            guard isSound else {
                unsafe missAll(input, .invalid, age: -1, now, target, &summary)
                continue
            }
            var presence = Presence.absent
            if index < layout.vectorEnd {
                let word: UInt64 = row.load(at: RowLayout.headerByteCount + (column >> 5) * 8)
                let bits = UInt8(truncatingIfNeeded: word >> ((column & 31) * 2)) & 3
                guard let stated = Presence(rawValue: bits) else {
                    unsafe missAll(input, .invalid, age: -1, now, target, &summary)
                    continue
                }
                presence = stated
            }
            guard presence != .absent else {
                unsafe missAll(input, .noFeature, age: -1, now, target, &summary)
                continue
            }
            var time = latest
            if timeCount > 0 {
                let number =
                    indexByteCount == 1
                    ? Int(row[indexes + column])
                    : Int(row.load(at: indexes + column * 2, as: UInt16.self))
                guard number <= timeCount else {
                    unsafe missAll(input, .invalid, age: -1, now, target, &summary)
                    continue
                }
                if number > 0 { time = row.load(at: times + (number - 1) * 8) }
            }
            let age = max(0, now &- time)
            let rule = unsafe rules[input]
            if age > rule.ttl {
                unsafe missAll(input, .expired, age: age, now, target, &summary)
            } else if presence == .null {
                unsafe missAll(input, .null, age: age, now, target, &summary)
            } else {
                unsafe take(row, cell, rule, tailStart, age, now, target, &summary)
            }
        }
    }

    /// Records that a feature's value is not used, for all inputs that it feeds.
    @inline(__always)
    private func missAll(
        _ input: Int, _ status: ValueStatus, age: Int64, _ now: Int64, _ target: Target,
        _ summary: inout GatherSummary
    ) {
        for index in unsafe input..<input + rules[input].count {
            unsafe miss(index, status, age: age, now, target, &summary)
        }
    }

    /// Takes a stored value that is not expired.
    @inline(__always)
    private func take(
        _ row: Span<UInt8>, _ cell: LayoutPlan.Cell, _ rule: InputRule, _ tailStart: Int,
        _ age: Int64, _ now: Int64, _ target: Target, _ summary: inout GatherSummary
    ) {
        let input = Int(cell.input)
        let isStale = age > rule.maxAge
        if isStale && rule.defaulted.has(.stale) {
            return unsafe missAll(input, .stale, age: age, now, target, &summary)
        }
        let status: ValueStatus = isStale ? .stale : .present
        if case .vector = rule.type {
            let before = summary.degradedCount
            unsafe row.withUnsafeBytes {
                unsafe takeVector(
                    $0, cell, tailStart: tailStart, status, age, target, &summary)
            }
            let isWhole = summary.degradedCount == before
            if isWhole { unsafe settle(input, rule, isStale, age, target, &summary) }
            return
        }
        let offset = Int(cell.offset)
        var value: Double?
        switch rule.type {
        case .float32: value = Double(Float(bitPattern: row.load(at: offset)))
        case .float64: value = Double(bitPattern: row.load(at: offset))
        case .int64: value = Double(row.load(at: offset, as: Int64.self))
        case .bool: value = row[offset] != 0 ? 1 : 0
        case .timestamp: value = InputRule.seconds(since: row.load(at: offset), now: now)
        case .string:
            value =
                unsafe row.withUnsafeBytes { unsafe category($0, cell, tailStart: tailStart) }
                .map { Double($0) }
        case .vector, .strings: break
        }
        unsafe target.ages[input] = age
        guard let value, Float(value).isFinite || rule.type == .string else {
            return unsafe refuse(input, target, &summary)
        }
        unsafe target.values[input] = value
        unsafe target.statuses[input] = status.rawValue
        unsafe settle(input, rule, isStale, age, target, &summary)
    }

    /// Counts a feature whose value was taken, and follows its fallback if it is stale.
    @inline(__always)
    private func settle(
        _ input: Int, _ rule: InputRule, _ isStale: Bool, _ age: Int64, _ target: Target,
        _ summary: inout GatherSummary
    ) {
        if isStale {
            summary.degradedCount += rule.count
            if rule.failing.has(.stale) { summary.fail(input) }
            guard !rule.hidesStale else {
                for index in input..<input + rule.count {
                    unsafe target.values[index] = .nan
                }
                return
            }
        }
        summary.oldestAge = max(summary.oldestAge, age)
    }
}
