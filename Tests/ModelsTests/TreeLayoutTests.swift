// SPDX-License-Identifier: Apache-2.0

import Base
import Models
import Testing

@Suite struct TreeLayoutTests {
    /// Whether this processor has the kernels; elsewhere every layout is that of nodes.
    static let hasKernels: Bool = {
        (try? importModel(XGBoostText().json, layout: .heaps))?.layout == .heaps
    }()

    /// Trees, depth, features, growth, and the layouts that are possible.
    ///
    /// Tree counts around the groups of 8 and the blocks of 64 and 128; depths at the limits of every
    /// shape; features at 64, 128 and 256 slots, with two ways for missing values, and beyond.
    static let cases: [(Int, Int, Int, Double, [TreeLayout])] = [
        (1, 0, 1, 1, [.heaps]),
        (1, 6, 4, 1, [.heaps]),
        (7, 3, 31, 0.9, [.heaps]),
        (8, 6, 32, 1, [.heaps]),
        (9, 7, 5, 1, [.heaps]),
        (16, 8, 20, 1, [.heaps]),
        (17, 8, 33, 0.6, [.paths]),
        (63, 6, 64, 0.9, [.heaps]),
        (65, 6, 120, 0.9, [.heaps]),
        (129, 7, 12, 0.62, [.paths]),
        (130, 12, 12, 0.55, []),
        (100, 6, 2_000, 0.9, []),
        (12, 9, 9, 0.9, [.heaps]),
        (12, 10, 9, 0.9, [.heaps]),
        (12, 11, 9, 0.95, []),
        (40, 7, 10, 0.75, [.heaps]),
    ]

    @Test(arguments: cases)
    func `every layout gives the bits of the walk through nodes`(
        _ trees: Int, _ depth: Int, _ features: Int, _ growth: Double, _ possible: [TreeLayout]
    ) throws {
        let seed = UInt64(trees * 1_000_003 + depth * 1_009 + features)
        var generator = SeededGenerator(seed: seed)
        let forest = RandomForest(
            trees: trees, depthMax: depth, features: features, growth: growth, using: &generator)
        let nodes = try importModel(forest.json, layout: .nodes)
        #expect(nodes.layout == .nodes)
        for layout in [TreeLayout.heaps, .paths] {
            let model = try importModel(forest.json, layout: layout)
            if Self.hasKernels, possible.contains(layout) { #expect(model.layout == layout) }
            for _ in 0..<300 {
                let row = forest.randomRow(using: &generator)
                let margin = model.margin(ofRow: row)
                #expect(margin.bitPattern == nodes.margin(ofRow: row).bitPattern, "seed \(seed)")
            }
        }
    }

    @Test func `every layout gives the official answers`() throws {
        var compared: [TreeLayout: Int] = [:]
        for official in OfficialCase.evaluatedFixtures + OfficialCase.sharedCases {
            for file in official.files {
                let bytes = try official.bytes(file.name)
                let nodes = try importModel(bytes, file.format, layout: .nodes)
                guard nodes.layout != nil else { continue }
                let rows = try official.rows(nodes)
                for layout in [TreeLayout.heaps, .paths] {
                    let model = try importModel(bytes, file.format, layout: layout)
                    guard model.layout == layout else { continue }
                    compared[layout, default: 0] += 1
                    for row in rows {
                        let wide = model.evaluate(row).margins.map(\.bitPattern)
                        #expect(
                            wide == nodes.evaluate(row).margins.map(\.bitPattern),
                            "\(official) \(layout) \(row)")
                        let narrow = row.map { Float($0) }
                        #expect(
                            model.evaluate(narrow).margins.map(\.bitPattern)
                                == nodes.evaluate(narrow).margins.map(\.bitPattern),
                            "\(official) \(layout) \(narrow)")
                    }
                }
            }
        }
        if Self.hasKernels { #expect(compared[.heaps] ?? 0 >= 100) }
    }
}
