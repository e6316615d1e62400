// SPDX-License-Identifier: Apache-2.0

internal import Base

/// Resolves the names of a plan's inputs into its arrays.
struct VectorPlanBuilder {
    private(set) var groups: [VectorGroup] = []
    private(set) var names: [String] = []
    private(set) var setNames: [String] = []
    private(set) var categories: [[String]] = []
    private(set) var tables: [ByteTable] = []
    private(set) var contextNames: [(name: String, input: Int)] = []
    private(set) var rules: [InputRule] = []
    private(set) var cells: [LayoutPlan.Cell] = []
    private(set) var masks: [UInt64] = []
    private(set) var layouts: [LayoutPlan] = []
    private(set) var firstLayouts: [Int] = []
    private(set) var firstInputs: [Int] = []
    private var columns: [Int] = []

    init(_ inputs: [VectorInput]) throws(FieldError) {
        guard (1...FeatureLimits.inputsMax).contains(inputs.count) else {
            throw FieldError(
                field: "inputs", reason: "must be 1 to \(FeatureLimits.inputsMax)")
        }
        for (index, input) in inputs.enumerated() { try add(input, at: "inputs[\(index)]") }
        try nameInputs()
        group(inputs)
        for group in groups {
            guard let first = group.inputs.first else { continue }
            firstLayouts.append(layouts.count)
            for layout in inputs[first].set.layouts { place(group, in: layout) }
        }
        firstLayouts.append(layouts.count)
    }

    private mutating func add(_ input: VectorInput, at path: String) throws(FieldError) {
        let version = input.version
        guard let place = version.index(ofFeature: input.feature) else {
            throw FieldError(
                field: "\(path).feature", reason: "is not in \(input.set.name)@\(version.number)")
        }
        let feature = version.features[place]
        var table = -1
        if feature.type == .string {
            let categoriesMax = FeatureLimits.categoriesMax
            guard (1...categoriesMax).contains(input.categories.count) else {
                throw FieldError(
                    field: "\(path).categories",
                    reason: "must be 1 to \(categoriesMax) for a string feature")
            }
            guard
                input.categories.allSatisfy({
                    $0.utf8.count <= FeatureLimits.textByteCountMax
                })
            else {
                throw FieldError(
                    field: "\(path).categories",
                    reason: "has one longer than \(FeatureLimits.textByteCountMax) bytes")
            }
            guard Set(input.categories).count == input.categories.count else {
                throw FieldError(
                    field: "\(path).categories", reason: "has the same one twice")
            }
            table = tables.count
            tables.append(ByteTable(input.categories))
        } else if !input.categories.isEmpty {
            throw FieldError(
                field: "\(path).categories", reason: "must be empty unless the feature is a string")
        }
        names.append(feature.name)
        setNames.append(input.set.name)
        categories.append(input.categories)
        columns.append(Int(version.columnIDs[place]))
        rules.append(
            InputRule(
                type: feature.type, hasDefault: feature.defaultValue != nil,
                missing: missing(feature.defaultValue, table: table),
                ttl: Self.microseconds(version.ttlMilliseconds),
                maxAge: Self.microseconds(feature.maxAgeMilliseconds), table: table))
    }

    private func missing(_ value: DefaultValue?, table: Int) -> Float {
        switch value {
        case nil: return .nan
        case .float32(let number): return number
        case .float64(let number): return Float(number).isFinite ? Float(number) : .nan
        case .int64(let number): return Float(number)
        case .bool(let flag): return flag ? 1 : 0
        case .string(let text):
            let code = tables[table].index(of: text.utf8Span.span)
            return code < 0 ? .nan : Float(code)
        }
    }

    private static func microseconds(_ milliseconds: UInt64) -> Int64 {
        // A hundred years at most, so that the product fits.
        milliseconds == 0 ? .max : Int64(milliseconds) * 1_000
    }

    private mutating func nameInputs() throws(FieldError) {
        var counts: [String: Int] = [:]
        for name in names { counts[name, default: 0] += 1 }
        var seen: Set<String> = []
        for index in names.indices {
            let full = "\(setNames[index]).\(names[index])"
            guard seen.insert(full).inserted else {
                throw FieldError(
                    field: "inputs[\(index)].feature", reason: "is an earlier input already")
            }
            contextNames.append((full, index))
            if counts[names[index]] == 1 { contextNames.append((names[index], index)) }
        }
    }

    private mutating func group(_ inputs: [VectorInput]) {
        var members: [[Int]] = []
        var places: [UInt64: Int] = [:]
        for (index, input) in inputs.enumerated() {
            let key = UInt64(input.set.id) << 16 | UInt64(input.version.kindsID)
            if let place = places[key] {
                members[place].append(index)
            } else {
                places[key] = members.count
                members.append([index])
            }
        }
        var first = 0
        for member in members {
            let input = inputs[member[0]]
            groups.append(
                VectorGroup(
                    setName: input.set.name, setID: input.set.id,
                    entityKinds: input.version.entityKinds, kindsID: input.version.kindsID,
                    inputs: member))
            firstInputs.append(first)
            first += member.count
        }
        firstInputs.append(first)
    }

    private mutating func place(_ group: VectorGroup, in layout: RowLayout) {
        var plan = LayoutPlan()
        plan.firstCell = cells.count
        plan.columnCount = layout.columnCount
        plan.fixedEnd = layout.fixedEnd
        func append(_ isMember: (Int) -> Bool) -> Int {
            for input in group.inputs where isMember(input) {
                let column = columns[input]
                let isHere = column < layout.columnCount
                cells.append(
                    LayoutPlan.Cell(
                        offset: isHere ? UInt32(layout.offsets[column]) : 0,
                        previousTextOffset: isHere
                            ? UInt32(layout.previousTextOffsets[column]) : 0,
                        column: UInt16(column), input: UInt16(input)))
            }
            return cells.count
        }
        plan.float32End = append { columns[$0] < layout.columnCount && rules[$0].type == .float32 }
        plan.float64End = append { columns[$0] < layout.columnCount && rules[$0].type == .float64 }
        plan.int64End = append { columns[$0] < layout.columnCount && rules[$0].type == .int64 }
        plan.boolEnd = append { columns[$0] < layout.columnCount && rules[$0].type == .bool }
        plan.stringEnd = append { columns[$0] < layout.columnCount && rules[$0].type == .string }
        plan.end = append { columns[$0] >= layout.columnCount }
        plan.firstMask = masks.count
        plan.maskCount = layout.presenceWordCount
        masks += [UInt64](repeating: 0, count: plan.maskCount)
        for input in group.inputs {
            plan.freshMax = min(plan.freshMax, rules[input].ttl, rules[input].maxAge)
            let column = columns[input]
            guard column < layout.columnCount else { continue }
            masks[plan.firstMask + (column >> 5)] |= 0b11 << UInt64((column & 31) * 2)
        }
        layouts.append(plan)
    }
}
