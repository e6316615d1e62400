// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Documents
internal import Wire

/// One feature of one entity, as it was read or as a model saw it.
struct ReadCell: Equatable {
    let name: String
    /// Nil where nothing is stored and no default stands in.
    let value: KassaV1.Value?
    let status: KassaV1.Status
    /// Milliseconds; -1 where nothing is stored.
    let ageMilliseconds: Int64

    /// The first and only row of a column.
    init(_ column: KassaV1.ReadColumn) {
        name = column.name
        status = KassaV1.Status(rawValue: Int32(column.statuses.first ?? 0))
        ageMilliseconds = column.agesMs.first ?? -1
        // Elsewhere the value is a placeholder.
        let hasValue = [KassaV1.Status.present, .stale, .defaulted].contains(status)
        value = hasValue ? Self.value(column.values) : nil
    }

    /// A feature as a model saw it.
    init(_ feature: KassaV1.FeatureValue) {
        name = feature.name
        value = feature.value
        status = feature.status
        ageMilliseconds = feature.ageMs
    }

    private static func value(_ values: KassaV1.ReadColumn.Values?) -> KassaV1.Value? {
        let kind: KassaV1.Value.Kind? =
            switch values {
            case .floats(let floats): floats.values.first.map { .number(Double($0)) }
            case .doubles(let doubles): doubles.values.first.map { .number($0) }
            case .integers(let integers): integers.values.first.map { .integer($0) }
            case .flags(let flags): flags.values.first.map { .flag($0) }
            case .texts(let texts): texts.values.first.map { .text($0) }
            case .vectors(let vectors): .vector(KassaV1.FloatVector(values: vectors.values))
            case .lists(let lists): lists.values.first.map { .strings($0) }
            case nil: nil
            }
        return kind.map { KassaV1.Value(kind: $0) }
    }

    var tree: Tree {
        .map([
            .init("name", .text(name)), .init("value", ValueText.tree(value)),
            .init("status", .text(status.name)),
            .init("age_ms", ageMilliseconds < 0 ? .null : .integer(ageMilliseconds)),
        ])
    }
}
