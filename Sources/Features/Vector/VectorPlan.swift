// SPDX-License-Identifier: Apache-2.0

internal import Base

/// How the rows of a model's feature sets become the floats that it takes; compiled once per epoch.
///
/// Immutable; any number of loops gather through it at once. Compiling resolves every name; gathering
/// reads only the arrays below: no name, no lock, no allocation.
///
/// ```swift
/// for group in plan.groups.indices {
///     key.replaceSet(plan.groups[group].setID)
///     let row = transaction.value(forKey: key.bytes, in: rows)
///     plan.gather(row, group: group, now: now, into: &values, &statuses, &ages, &summary)
/// }
/// ```
@safe package final class VectorPlan: @unchecked Sendable {
    // Sendable and safe: the arrays are written in init only, and freed with the plan. An index is an
    // input (checked against the vector's count on entry) or comes from `compile`, which made the array.
    /// The rows to fetch, each with its inputs.
    package let groups: [VectorGroup]
    /// The feature of each input; a vector's component is "embedding[3]".
    package let names: [String]
    /// The feature set of each input.
    package let setNames: [String]
    /// The version of it that each input is read by.
    package let versions: [UInt32]
    /// The type of each input.
    package let types: [FeatureType]
    /// The categories of each input, in code order; empty unless it is a string.
    package let categories: [[String]]
    let tables: [ByteTable]
    /// Context names: "feature" where only one input has it, and "set.feature".
    let inputNames: ByteTable
    let inputOfName: [Int]
    let rules: UnsafeMutableBufferPointer<InputRule>
    /// For each table what a model sees of any other text, then of each category.
    let codes: UnsafeMutableBufferPointer<Float>
    let cells: UnsafeMutableBufferPointer<LayoutPlan.Cell>
    let masks: UnsafeMutableBufferPointer<UInt64>
    /// The layouts of all groups, one after another.
    let layouts: UnsafeMutableBufferPointer<LayoutPlan>
    /// The first layout of each group; one more at the end.
    let firstLayouts: UnsafeMutableBufferPointer<Int>
    /// The inputs of all groups, one after another, and where each group's begin.
    let groupInputs: UnsafeMutableBufferPointer<Int>
    let firstInputs: UnsafeMutableBufferPointer<Int>

    /// How many floats the vector has.
    package var count: Int { names.count }

    /// Compiles the inputs, in the model's own order.
    package convenience init(_ inputs: [VectorInput]) throws(FieldError) {
        self.init(try VectorPlanBuilder(inputs))
    }

    private init(_ builder: VectorPlanBuilder) {
        groups = builder.groups
        names = builder.names
        setNames = builder.setNames
        versions = builder.versions
        types = builder.rules.map(\.type)
        categories = builder.categories
        tables = builder.tables
        inputNames = ByteTable(builder.contextNames.map(\.name))
        inputOfName = builder.contextNames.map(\.input)
        unsafe rules = Self.copy(builder.rules)
        unsafe codes = Self.copy(builder.codes)
        unsafe cells = Self.copy(builder.cells)
        unsafe masks = Self.copy(builder.masks)
        unsafe layouts = Self.copy(builder.layouts)
        unsafe firstLayouts = Self.copy(builder.firstLayouts)
        unsafe groupInputs = Self.copy(builder.groups.flatMap(\.inputs))
        unsafe firstInputs = Self.copy(builder.firstInputs)
    }

    deinit {
        unsafe rules.deallocate()
        unsafe codes.deallocate()
        unsafe cells.deallocate()
        unsafe masks.deallocate()
        unsafe layouts.deallocate()
        unsafe firstLayouts.deallocate()
        unsafe groupInputs.deallocate()
        unsafe firstInputs.deallocate()
    }

    private static func copy<Element>(
        _ elements: [Element]
    ) -> UnsafeMutableBufferPointer<Element> {
        let buffer = UnsafeMutableBufferPointer<Element>.allocate(capacity: elements.count)
        _ = unsafe buffer.initialize(from: elements)
        return unsafe buffer
    }

    /// The input that a caller's name means, "feature" or "set.feature"; nil if none, or several.
    ///
    /// - Complexity: O(bytes of the name).
    package func input(named name: Span<UInt8>) -> Int? {
        let index = inputNames.index(of: name)
        return index < 0 ? nil : inputOfName[index]
    }
}
