// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Documents
internal import Wire

/// One feature of an export: the columns of the file that it fills, and what stands in them.
struct ExportColumn {
    let feature: KassaV1.FeatureSpec
    /// "cart@3.items".
    private let title: String

    /// A feature of a feature set.
    init(_ feature: KassaV1.FeatureSpec, of set: KassaV1.FeatureSetSpec) {
        self.feature = feature
        title = "\(set.name)@\(set.version).\(feature.name)"
    }

    /// Names of the columns: one, or one per component of a vector.
    var titles: [String] {
        feature.type == .vector ? (0..<feature.dimension).map { "\(title)[\($0)]" } : [title]
    }

    /// Name of the column that says how honest the value is.
    var statusTitle: String { "\(title).status" }

    /// Whether a model would have been given the value: a stale one only where the policy says so.
    func isGiven(_ status: KassaV1.Status) -> Bool {
        switch status {
        case .present, .defaulted: true
        case .stale: feature.onStale != .missing && feature.onStale != .fail
        default: false
        }
    }

    /// The cells of a row, commas between them; empty ones for no value.
    func cells(_ column: KassaV1.ReadColumn, row: Int) -> String {
        let width = feature.type == .vector ? Int(feature.dimension) : 1
        let none = String(repeating: ",", count: max(0, width - 1))
        guard row < column.statuses.count,
            isGiven(KassaV1.Status(rawValue: Int32(column.statuses[row])))
        else { return none }
        switch column.values {
        case .floats(let floats) where row < floats.values.count:
            return CSVText.number(floats.values[row])
        case .doubles(let doubles) where row < doubles.values.count:
            return CSVText.number(doubles.values[row])
        case .integers(let integers) where row < integers.values.count:
            return "\(integers.values[row])"
        case .flags(let flags) where row < flags.values.count:
            return flags.values[row] ? "true" : "false"
        case .texts(let texts) where row < texts.values.count:
            return CSVText.field(texts.values[row], isQuotedIfEmpty: true)
        case .vectors(let vectors) where (row + 1) * width <= vectors.values.count:
            return vectors.values[row * width..<(row + 1) * width].map { CSVText.number($0) }
                .joined(separator: ",")
        case .lists(let lists) where row < lists.values.count:
            let list = Tree.list(lists.values[row].values.map { .text($0) })
            return CSVText.field(list.json(), isQuotedIfEmpty: true)
        default: return none
        }
    }
}
