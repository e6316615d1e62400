// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Client
internal import Wire

/// The feature sets of an export, and where in the label file what they are asked with stands.
struct ExportSource {
    /// Values that one request asks for: an answer of a megabyte or two.
    static let valuesMax = 50_000
    /// Rows that one request asks for.
    static let rowsMax = 2_000

    let sets: [KassaV1.FeatureSetSpec]
    /// Per feature set, its features.
    let columns: [[ExportColumn]]
    /// The entity kinds of all sets, and the place of each one's ids in a label row.
    let keys: [(kind: String, place: Int)]
    let timePlace: Int

    /// Asks for the sets as they are now: a version that comes meanwhile is not mixed in.
    init(
        _ names: [String], keyColumns: [NamedText], timeColumn: String,
        of labels: borrowing LabelFile, from client: Client
    ) throws(CommandError) {
        var sets: [KassaV1.FeatureSetSpec] = []
        for name in names {
            let set = try DeclaredFeatures.featureSet(name, from: client)
            guard !sets.contains(where: { $0.name == set.name && $0.version == set.version }) else {
                throw .usage("\(set.name)@\(set.version) was given twice")
            }
            guard set.historyMs > 0 else {
                throw .failed("\(set.name) keeps no history: apply it with `history: 30d`, say")
            }
            sets.append(set)
        }
        var keys: [(kind: String, place: Int)] = []
        for kind in sets.flatMap(\.entity) where !keys.contains(where: { $0.kind == kind }) {
            let column = keyColumns.first { $0.name == kind }?.text ?? kind
            keys.append((kind, try labels.place(of: column)))
        }
        for column in keyColumns where !keys.contains(where: { $0.kind == column.name }) {
            throw .usage(
                "--key \(column.name)=\(column.text): no feature set is keyed by \(column.name)")
        }
        timePlace = try labels.place(of: timeColumn)
        columns = sets.map { set in set.features.map { ExportColumn($0, of: set) } }
        self.sets = sets
        self.keys = keys
    }

    /// Rows to ask for at once.
    var batchRowCount: Int {
        let width = columns.joined().reduce(0) { $0 + $1.titles.count }
        return max(1, min(Self.rowsMax, Self.valuesMax / max(1, width)))
    }

    /// The names of the columns behind the labels.
    func titles(withStatuses: Bool) -> [String] {
        columns.joined().flatMap { withStatuses ? $0.titles + [$0.statusTitle] : $0.titles }
    }

    /// What asks for the features of `rows`, each as of its own time.
    func request(for rows: [LabelRow]) -> KassaV1.ReadRequest {
        KassaV1.ReadRequest(
            keys: keys.map { key in
                KassaV1.KeyColumn(kind: key.kind, ids: rows.map { $0.fields[key.place] })
            },
            selections: sets.map {
                KassaV1.FeatureSelection(featureSet: "\($0.name)@\($0.version)")
            },
            asOfUsEach: rows.map(\.time))
    }

    /// Whether an answer has what was asked for.
    func fits(_ response: KassaV1.ReadResponse, rowCount: Int) -> Bool {
        response.featureSets.count == columns.count
            && zip(response.featureSets, columns).allSatisfy { set, columns in
                set.columns.count == columns.count
                    && zip(set.columns, columns).allSatisfy { read, column in
                        read.name == column.feature.name && read.type == column.feature.type
                            && read.statuses.count == rowCount
                    }
            }
    }
}

/// A row of the label file that is joined.
struct LabelRow {
    let fields: [String]
    /// Microseconds since 1970.
    let time: Int64
    let line: Int
}
