// SPDX-License-Identifier: Apache-2.0

internal import Base

/// Resolves the names of a plan's inputs into its arrays.
struct VectorPlanBuilder {
    private(set) var groups: [VectorGroup] = []
    private(set) var names: [String] = []
    private(set) var setNames: [String] = []
    private(set) var versions: [UInt32] = []
    private(set) var categories: [[String]] = []
    private(set) var tables: [ByteTable] = []
    /// For each table what a model sees of any other text, then of each category.
    private(set) var codes: [Float] = []
    private(set) var contextNames: [(name: String, input: Int)] = []
    private(set) var rules: [InputRule] = []
    private(set) var cells: [LayoutPlan.Cell] = []
    private(set) var masks: [UInt64] = []
    private(set) var layouts: [LayoutPlan] = []
    private(set) var firstLayouts: [Int] = []
    private(set) var firstInputs: [Int] = []
    private var columns: [Int] = []
    /// The features in the order given, each with its first input.
    private var features: [(name: String, set: String, input: Int)] = []
    /// For each group, which of the given inputs was its first.
    private var sources: [Int] = []

    init(_ inputs: [VectorInput]) throws(FieldError) {
        guard (1...FeatureLimits.inputsMax).contains(inputs.count) else {
            throw FieldError(
                field: "inputs", reason: "must be 1 to \(FeatureLimits.inputsMax)")
        }
        for (index, input) in inputs.enumerated() { try add(input, at: "inputs[\(index)]") }
        try nameInputs()
        group(inputs)
        for (group, source) in zip(groups, sources) {
            firstLayouts.append(layouts.count)
            for layout in inputs[source].set.layouts { place(group, in: layout) }
        }
        firstLayouts.append(layouts.count)
    }

    private mutating func add(_ input: VectorInput, at path: String) throws(FieldError) {
        let version = input.version
        guard let place = version.index(ofFeature: input.feature) else {
            throw FieldError(
                field: "\(path).feature", reason: "is not in \(input.set.name)@\(version.number)")
        }
        var feature = version.features[place]
        guard feature.type != .strings else {
            throw FieldError(
                field: "\(path).feature", reason: "is a list of strings, which no model takes")
        }
        guard names.count + feature.type.inputCount <= FeatureLimits.inputsMax else {
            throw FieldError(
                field: path,
                reason: "makes more than \(FeatureLimits.inputsMax) inputs, "
                    + "vectors counted by their components")
        }
        let known = input.categories.isEmpty ? feature.categories : input.categories
        try checkCategories(known, of: feature, at: "\(path).categories")
        try checkCodes(of: input, categoryCount: known.count, feature.type, at: path)
        var table = -1
        var firstCode = 0
        if feature.type == .string {
            table = tables.count
            tables.append(ByteTable(known))
            codes.append(input.otherCode)
            firstCode = codes.count
            codes += input.codes.isEmpty ? known.indices.map { Float($0) } : input.codes
        }
        if let value = input.defaultValue {
            try checkDefault(value, of: feature, categories: known, at: "\(path).default")
            feature.defaultValue = value
        }
        features.append((feature.name, input.set.name, names.count))
        for index in 0..<feature.type.inputCount {
            let isVector = feature.type.dimension > 0
            names.append(isVector ? "\(feature.name)[\(index)]" : feature.name)
            setNames.append(input.set.name)
            versions.append(version.number)
            categories.append(known)
            columns.append(Int(version.columnIDs[place]))
            rules.append(
                rule(
                    of: feature, index: index, ttlMilliseconds: version.ttlMilliseconds,
                    table: table, firstCode: firstCode))
        }
    }

    private func checkCodes(
        of input: VectorInput, categoryCount: Int, _ type: FeatureType, at path: String
    ) throws(FieldError) {
        let isText = type == .string
        guard input.codes.isEmpty || isText && input.codes.count == categoryCount else {
            throw FieldError(
                field: "\(path).codes",
                reason: "must be as many as categories, and none unless the feature is a string")
        }
        guard input.codes.allSatisfy(\.isFinite) else {
            throw FieldError(field: "\(path).codes", reason: "must be finite")
        }
        guard input.otherCode.isNaN || isText && input.otherCode.isFinite else {
            throw FieldError(
                field: "\(path).other_code", reason: "must be finite, and of a string feature")
        }
    }

    private func checkDefault(
        _ value: DefaultValue, of feature: FeatureDefinition, categories: [String], at field: String
    ) throws(FieldError) {
        guard feature.onMissing == nil || feature.onMissing == .useDefault else {
            throw FieldError(
                field: field, reason: "would never be used: the feature's on_missing forbids it")
        }
        let isUsable =
            switch value {
            case .float32(let number): number.isFinite
            case .float64(let number): Float(number).isFinite
            case .vector(let components):
                components.count == feature.type.dimension && components.allSatisfy(\.isFinite)
            case .string(let text): categories.contains(text)
            case .int64, .bool, .timestamp: true
            case .strings: false
            }
        guard isUsable else {
            throw FieldError(
                field: field, reason: "must be finite, a category, or a vector of the dimension")
        }
    }

    private func checkCategories(
        _ categories: [String], of feature: FeatureDefinition, at field: String
    ) throws(FieldError) {
        guard feature.type == .string else {
            guard categories.isEmpty else {
                throw FieldError(
                    field: field, reason: "must be empty unless the feature is a string")
            }
            return
        }
        let categoriesMax = FeatureLimits.categoriesMax
        guard (1...categoriesMax).contains(categories.count) else {
            throw FieldError(
                field: field, reason: "must be 1 to \(categoriesMax) for a string feature")
        }
        guard categories.allSatisfy({ $0.utf8.count <= FeatureLimits.textByteCountMax }) else {
            throw FieldError(
                field: field,
                reason: "has one longer than \(FeatureLimits.textByteCountMax) bytes")
        }
        guard Set(categories).count == categories.count else {
            throw FieldError(field: field, reason: "has the same one twice")
        }
    }

    /// The rule of the input that a feature feeds with its component `index`.
    private func rule(
        of feature: FeatureDefinition, index: Int, ttlMilliseconds: UInt64, table: Int,
        firstCode: Int
    ) -> InputRule {
        var time: Int64 = 0
        if case .timestamp(let value) = feature.defaultValue { time = value }
        return InputRule(
            type: feature.type, count: index == 0 ? feature.type.inputCount : 0,
            defaulted: feature.defaultedStatuses, failing: feature.failingStatuses,
            hidesStale: feature.hidesStale,
            standIn: standIn(
                feature.defaultValue, index: index, table: table, firstCode: firstCode),
            standInTime: time,
            ttl: Self.microseconds(ttlMilliseconds),
            maxAge: Self.microseconds(feature.maxAgeMilliseconds), table: table,
            firstCode: firstCode)
    }

    private func standIn(
        _ value: DefaultValue?, index: Int, table: Int, firstCode: Int
    ) -> Double {
        switch value {
        case nil, .timestamp, .strings: return .nan
        case .float32(let number): return Double(number)
        case .float64(let number): return Float(number).isFinite ? number : .nan
        case .int64(let number): return Double(number)
        case .bool(let flag): return flag ? 1 : 0
        case .vector(let components): return Double(components[index])
        case .string(let text):
            return Double(codes[firstCode + tables[table].index(of: text.utf8Span.span)])
        }
    }

    private static func microseconds(_ milliseconds: UInt64) -> Int64 {
        // A hundred years at most, so that the product fits.
        milliseconds == 0 ? .max : Int64(milliseconds) * 1_000
    }

    private mutating func nameInputs() throws(FieldError) {
        var counts: [String: Int] = [:]
        for feature in features { counts[feature.name, default: 0] += 1 }
        var seen: Set<String> = []
        for (index, feature) in features.enumerated() {
            let full = "\(feature.set).\(feature.name)"
            guard seen.insert(full).inserted else {
                throw FieldError(
                    field: "inputs[\(index)].feature", reason: "is an earlier input already")
            }
            contextNames.append((full, feature.input))
            if counts[feature.name] == 1 { contextNames.append((feature.name, feature.input)) }
        }
    }

    private mutating func group(_ inputs: [VectorInput]) {
        var members: [[Int]] = []
        var places: [UInt64: Int] = [:]
        for (index, input) in inputs.enumerated() {
            let key = UInt64(input.set.id) << 16 | UInt64(input.version.kindsID)
            let first = features[index].input
            let fed = first..<first + rules[first].count
            if let place = places[key] {
                members[place] += fed
            } else {
                places[key] = members.count
                sources.append(index)
                members.append(Array(fed))
            }
        }
        var first = 0
        for (member, source) in zip(members, sources) {
            let input = inputs[source]
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
        func isHere(_ input: Int) -> Bool {
            columns[input] < layout.columnCount && !layout.isDead[columns[input]]
        }
        func append(_ isMember: (Int) -> Bool) -> Int {
            // The inputs that follow a vector's first have no cell of their own.
            for input in group.inputs where rules[input].count > 0 && isMember(input) {
                let column = columns[input]
                cells.append(
                    LayoutPlan.Cell(
                        offset: isHere(input) ? UInt32(layout.offsets[column]) : 0,
                        previousTailOffset: isHere(input)
                            ? UInt32(layout.previousTailOffsets[column]) : 0,
                        column: UInt16(column), input: UInt16(input)))
            }
            return cells.count
        }
        plan.float32End = append { isHere($0) && rules[$0].type == .float32 }
        plan.float64End = append { isHere($0) && rules[$0].type == .float64 }
        plan.int64End = append { isHere($0) && rules[$0].type == .int64 }
        plan.boolEnd = append { isHere($0) && rules[$0].type == .bool }
        plan.timestampEnd = append { isHere($0) && rules[$0].type == .timestamp }
        plan.stringEnd = append { isHere($0) && rules[$0].type == .string }
        plan.vectorEnd = append { isHere($0) && rules[$0].type.dimension > 0 }
        plan.end = append { !isHere($0) }
        plan.firstMask = masks.count
        plan.maskCount = layout.presenceWordCount
        masks += [UInt64](repeating: 0, count: plan.maskCount)
        for input in group.inputs {
            plan.freshMax = min(plan.freshMax, rules[input].ttl, rules[input].maxAge)
            guard isHere(input) else { continue }
            let column = columns[input]
            masks[plan.firstMask + (column >> 5)] |= 0b11 << UInt64((column & 31) * 2)
        }
        layouts.append(plan)
    }
}
