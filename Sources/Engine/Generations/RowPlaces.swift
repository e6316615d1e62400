// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Store

/// The tables that hold the rows of one feature set, as of one configuration.
struct RowPlace: Sendable {
    /// A generation that takes rows and does not serve.
    struct Loading: Sendable {
        let id: UInt64
        let table: Table
    }

    /// What every answer is read from.
    let serving: Table
    /// Tables that live writes go to as well: of the generation that is being loaded and of the one
    /// before. Merging by event time makes it indifferent which write comes first.
    let followers: [Table]
    let loading: Loading?

    /// Refuses a load into a generation that takes no rows (any more).
    func checkLoading(_ id: UInt64) throws(EngineError) {
        guard let loading else {
            throw EngineError(
                .failedPrecondition, "generation: none of the feature set is being loaded")
        }
        guard loading.id == id else {
            throw EngineError(
                .failedPrecondition, "generation: generation \(loading.id) is being loaded")
        }
    }
}

/// Where the rows of each feature set are; immutable, a part of a configuration.
struct RowPlaces: Sendable {
    /// The generations of the sets that ever had one beside the first.
    let stored: [String: KassaStorageV1.StoredGenerations]
    private let places: [String: RowPlace]
    private let rows: RowPlace
    private let tables: EngineTables

    /// Resolves stored generations; `dataLoss` if they name a table that does not exist, or one twice.
    init(
        _ stored: [KassaStorageV1.StoredGenerations], _ tables: EngineTables
    ) throws(EngineError) {
        var places: [String: RowPlace] = [:]
        var taken: Set<UInt32> = []
        for generations in stored {
            guard let serving = generations.serving else { throw Self.damaged }
            let all = [serving, generations.kept, generations.loading].compactMap { $0 }
            var found: [Table] = []
            for generation in all {
                guard let table = tables.rowTable(generation.table) else { throw Self.damaged }
                guard generation.table == 0 || taken.insert(generation.table).inserted else {
                    throw Self.damaged
                }
                found.append(table)
            }
            let loading = generations.loading.map {
                RowPlace.Loading(id: $0.id, table: found.last!)
            }
            places[generations.featureSet] = RowPlace(
                serving: found[0], followers: Array(found.dropFirst()), loading: loading)
        }
        self.stored = Dictionary(
            stored.map { ($0.featureSet, $0) }, uniquingKeysWith: { first, _ in first })
        self.places = places
        self.tables = tables
        rows = RowPlace(serving: tables.rows, followers: [], loading: nil)
    }

    private static var damaged: EngineError {
        EngineError(
            .dataLoss,
            "a stored list of generations is damaged; restore a snapshot of the data folder")
    }

    /// The tables of a feature set.
    func of(_ name: String) -> RowPlace {
        places[name] ?? rows
    }

    /// The generations of a feature set; at first there is only number 0, in the table of all rows.
    func generations(of name: String) -> KassaStorageV1.StoredGenerations {
        stored[name]
            ?? KassaStorageV1.StoredGenerations(
                featureSet: name, nextId: 1, serving: KassaStorageV1.StoredGeneration())
    }

    /// The same with other generations of one feature set.
    func replacing(
        _ generations: KassaStorageV1.StoredGenerations
    ) throws(EngineError) -> RowPlaces {
        var next = stored
        next[generations.featureSet] = generations
        return try RowPlaces(Array(next.values), tables)
    }

    /// A spare table that no generation has.
    func freeTable(besides taken: Set<UInt32>) -> UInt32? {
        var used = taken
        for generations in stored.values {
            for generation in [generations.serving, generations.kept, generations.loading] {
                if let generation { used.insert(generation.table) }
            }
        }
        return (1...UInt32(EngineLimits.generationTablesMax)).first { !used.contains($0) }
    }
}
