// SPDX-License-Identifier: Apache-2.0

package import API
internal import Wire

extension DocumentFile {
    /// The documents as a YAML file that reads back as the same documents.
    package static func yaml(_ documents: [KassaV1.Document]) -> String {
        documents.map { $0.tree.yaml() }.joined(separator: "---\n")
    }
}

extension KassaV1.Document {
    /// The document as it is printed: the keys of its file, those without a value left out.
    package var tree: Tree {
        switch resource {
        case .featureSet(let set): set.tree
        case .scorer(let scorer): scorer.tree
        case nil: .map([])
        }
    }
}

extension KassaV1.FeatureSetSpec {
    fileprivate var tree: Tree {
        var entries: [Tree.Entry] = [
            .init("kind", .text("feature_set")), .init("name", .text(name)),
        ]
        if version != 0 { entries.append(.init("version", .integer(Int64(version)))) }
        entries.append(.init("entity", .list(entity.map { .text($0) })))
        entries.append(duration: ttlMs, "ttl")
        entries.append(duration: historyMs, "history")
        entries.append(text: deprecated, "deprecated")
        entries.append(owner: owner, description: description, labels: labels)
        entries.append(.init("features", .list(features.map(\.tree))))
        return .map(entries)
    }
}

extension KassaV1.FeatureSpec {
    fileprivate var tree: Tree {
        let known = Self.typeNames.first { $0.type == type }?.name
        let typeName = type == .vector ? "vector[\(dimension)]" : known ?? type.name
        var entries: [Tree.Entry] = [.init("name", .text(name)), .init("type", .text(typeName))]
        if !categories.isEmpty {
            entries.append(.init("categories", .list(categories.map { .text($0) })))
        }
        if let value = `default` { entries.append(.init("default", value.tree)) }
        entries.append(duration: maxAgeMs, "max_age")
        if nan != .refuse { entries.append(.init("nan", .text("missing"))) }
        entries.append(text: Self.word(onMissing), "on_missing")
        entries.append(text: Self.word(onStale), "on_stale")
        entries.append(text: description, "description")
        return .map(entries)
    }
}

extension KassaV1.ScorerSpec {
    fileprivate var tree: Tree {
        var entries: [Tree.Entry] = [
            .init("kind", .text("scorer")), .init("name", .text(name)),
        ]
        entries.append(text: model, "model")
        entries.append(text: entity, "entity")
        if decisionThreshold != 0 {
            entries.append(.init("decision_threshold", .number(decisionThreshold)))
        }
        if let drift { entries.append(.init("drift", drift.tree)) }
        if let outcomes { entries.append(.init("outcomes", outcomes.tree)) }
        entries.append(owner: owner, description: description, labels: labels)
        return .map(entries)
    }
}

extension KassaV1.ModelSpec {
    /// The spec as it is printed; the artefact's hash and size in place of its path.
    package var tree: Tree {
        let known = ModelDocument.formatNames.first { $0.format == format }?.name
        var entries: [Tree.Entry] = [.init("kind", .text("model")), .init("name", .text(name))]
        if version != 0 { entries.append(.init("version", .integer(Int64(version)))) }
        entries.append(.init("format", .text(known ?? format.name)))
        if !sha256.isEmpty { entries.append(.init("sha256", .text(Tree.hexadecimal(sha256)))) }
        if byteCount != 0 { entries.append(.init("byte_count", .unsigned(byteCount))) }
        if let output { entries.append(.init("output", output.tree)) }
        entries.append(.init("inputs", .list(inputs.map(\.tree))))
        entries.append(owner: owner, description: description, labels: labels)
        entries.append(text: trainingRunId, "training_run_id")
        if !golden.isEmpty { entries.append(.init("golden_rows", .integer(Int64(golden.count)))) }
        if !histograms.isEmpty {
            entries.append(.init("histograms", .list(histograms.map { $0.tree(isOfScore: false) })))
        }
        if let scoreHistogram {
            entries.append(.init("score_histogram", scoreHistogram.tree(isOfScore: true)))
        }
        return .map(entries)
    }
}

extension KassaV1.ModelInput {
    fileprivate var tree: Tree {
        let reference = Tree.text("\(featureSet).\(feature)")
        var entries: [Tree.Entry] = [.init("feature", reference)]
        if !categories.isEmpty {
            entries.append(.init("categories", .list(categories.map { .text($0) })))
        }
        if !codes.isEmpty {
            entries.append(.init("codes", .list(codes.map { .number(Double($0)) })))
        }
        if let otherCode { entries.append(.init("other_code", .number(Double(otherCode)))) }
        if let value = `default` { entries.append(.init("default", value.tree)) }
        return entries.count == 1 ? reference : .map(entries)
    }
}

extension KassaV1.ModelOutput {
    fileprivate var tree: Tree {
        let known = Self.kindNames.first { $0.kind == kind }?.name
        var entries: [Tree.Entry] = []
        if let known { entries.append(.init("kind", .text(known))) }
        if index != 0 { entries.append(.init("index", .integer(Int64(index)))) }
        if let calibration { entries.append(.init("calibration", calibration.tree)) }
        return .map(entries)
    }
}

extension KassaV1.Calibration {
    fileprivate var tree: Tree {
        switch method {
        case .platt(let platt):
            .map([
                .init("platt", .map([.init("a", .number(platt.a)), .init("b", .number(platt.b))]))
            ])
        case .isotonic(let points):
            .map([
                .init(
                    "isotonic",
                    .map([
                        .init("x", .list(points.x.map { .number($0) })),
                        .init("y", .list(points.y.map { .number($0) })),
                    ]))
            ])
        case nil: .map([])
        }
    }
}

extension KassaV1.ReferenceHistogram {
    fileprivate func tree(isOfScore: Bool) -> Tree {
        var entries: [Tree.Entry] = isOfScore ? [] : [.init("input", .integer(Int64(input)))]
        entries.append(.init("n", .unsigned(n)))
        if edges.isEmpty {
            entries += [
                .init("categories", .list(categories.map { .text($0) })),
                .init("category_counts", .list(categoryCounts.map { .unsigned($0) })),
                .init("other", .unsigned(other)), .init("unseen", .unsigned(unseen)),
            ]
        } else {
            entries += [
                .init("edges", .list(edges.map { .number($0) })),
                .init("counts", .list(counts.map { .unsigned($0) })),
                .init("out_of_range", .unsigned(outOfRange)),
            ]
        }
        return .map(entries + [.init("missing", .unsigned(missing))])
    }
}

extension KassaV1.Value {
    /// The value as it is printed; an explicit null, and a value of no kind, as null.
    package var tree: Tree {
        switch kind {
        case .number(let number): .number(number)
        case .integer(let integer): .integer(integer)
        case .flag(let flag): .flag(flag)
        case .text(let text): .text(text)
        case .vector(let vector): .list(vector.values.map { .number(Double($0)) })
        case .strings(let list): .list(list.values.map { .text($0) })
        case .null, nil: .null
        }
    }
}

extension Tree {
    /// `bytes` in lower-case hexadecimal digits.
    package static func hexadecimal(_ bytes: [UInt8]) -> String {
        bytes.reduce(into: "") { text, byte in
            text += (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
    }
}

extension [Tree.Entry] {
    fileprivate mutating func append(text: String, _ key: String) {
        if !text.isEmpty { append(.init(key, .text(text))) }
    }

    mutating func append(duration milliseconds: UInt64, _ key: String) {
        if milliseconds != 0 {
            append(.init(key, .text(DurationText.text(milliseconds: milliseconds))))
        }
    }

    fileprivate mutating func append(
        owner: String, description: String, labels: [String: String]
    ) {
        append(text: owner, "owner")
        append(text: description, "description")
        if !labels.isEmpty { append(.init("labels", .texts(labels))) }
    }
}
