// SPDX-License-Identifier: Apache-2.0

package import API

/// What a load looks for in a file, and what becomes of it.
package struct LoadSchema: Sendable {
    /// A feature to write, and the place of its column.
    struct Feature: Sendable {
        let name: String
        let type: KassaV1.FeatureType
        /// Components of a vector; 0 for other types.
        let dimension: Int
        let place: Int
        /// Whether somebody named its column, which then must be there.
        let isNamed: Bool

        /// Bytes of a value in a request at the most, besides those of its text: whole numbers are varints,
        /// and texts and lists have a tag and a length.
        var byteCountMax: Int {
            switch type {
            case .float32: 4
            case .float64: 8
            case .bool: 1
            case .vector: 4 * dimension
            default: 10
            }
        }
    }

    /// The version to write, "cart@3".
    package let featureSet: String
    /// The columns that are looked for, each once.
    package let names: [String]
    let kinds: [String]
    /// For each entity kind the place of its column.
    let keyPlaces: [Int]
    let timePlace: Int?
    let features: [Feature]
    let options: LoadOptions

    /// Resolves `options` against a feature set's declaration.
    ///
    /// - Throws: ``LoadError/mapping(_:)`` for a kind or feature that the set does not have.
    package init(
        _ spec: KassaV1.FeatureSetSpec, _ options: LoadOptions
    ) throws(LoadError) {
        featureSet = "\(spec.name)@\(spec.version)"
        for kind in options.keyColumns.keys.sorted() where !spec.entity.contains(kind) {
            throw .mapping(
                "\(featureSet) is not keyed by \(kind); its key is "
                    + spec.entity.joined(separator: ", "))
        }
        let declared = Set(spec.features.map(\.name))
        for name in options.featureColumns.keys.sorted() where !declared.contains(name) {
            throw .mapping("\(featureSet) has no feature \(name)")
        }
        for feature in spec.features where options.featureColumns[feature.name] != nil {
            guard Self.isLoadable(feature.type) else {
                throw .mapping(
                    "feature \(feature.name) is a \(feature.type.name.lowercased()), which no column holds"
                )
            }
        }
        var names: [String] = []
        func place(_ column: String) -> Int {
            if let known = names.firstIndex(of: column) { return known }
            names.append(column)
            return names.count - 1
        }
        kinds = spec.entity
        keyPlaces = spec.entity.map { place(options.keyColumns[$0] ?? $0) }
        timePlace = options.timeColumn.map { place($0) }
        features = spec.features.filter { Self.isLoadable($0.type) }.map { feature in
            let named = options.featureColumns[feature.name]
            return Feature(
                name: feature.name, type: feature.type, dimension: Int(feature.dimension),
                place: place(named ?? feature.name),
                isNamed: named != nil)
        }
        self.names = names
        self.options = options
    }

    /// Whether a cell can hold a value of the type.
    private static func isLoadable(_ type: KassaV1.FeatureType) -> Bool {
        switch type {
        case .float32, .float64, .int64, .bool, .string, .timestamp, .vector, .strings: true
        default: false
        }
    }

    /// The features whose columns a CSV file with the header `columns` has.
    ///
    /// - Throws: ``LoadError/header(_:)`` when a key, the time, a named column or all features are
    ///   missing.
    func features(inHeader columns: [String]) throws(LoadError) -> [Feature] {
        let present = Set(columns)
        let wanted =
            keyPlaces.map { names[$0] } + [timePlace].compactMap { $0 }.map { names[$0] }
            + features.filter(\.isNamed).map { names[$0.place] }
        for name in wanted where !present.contains(name) {
            throw .header("has no column \(name); it has \(columns.joined(separator: ", "))")
        }
        let found = features.filter { present.contains(names[$0.place]) }
        guard !found.isEmpty else {
            throw .header(
                "has no column of a feature of \(featureSet); it has "
                    + columns.joined(separator: ", "))
        }
        return found
    }
}
