// SPDX-License-Identifier: Apache-2.0

import Base
import Models
import Testing

/// Damaged files end in a refusal or in a model that can be evaluated; never in a trap.
@Suite struct MutationTests {
    @Test(arguments: [1 as UInt64, 2, 3, 4])
    func `a damaged file is refused or evaluated`(_ seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let forest = RandomForest(
            trees: 3, depthMax: 3, features: 3, growth: 0.9, using: &generator)
        let sound = Array(forest.json.utf8)
        let row: [Float] = [0.25, .nan, -1]
        var refused = 0
        for _ in 0..<1_000 {
            var bytes = sound
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                mutate(&bytes, using: &generator)
            }
            do throws(ImportError) {
                let model = try importModel(bytes)
                guard model.summary.featureCount <= row.count else { continue }
                #expect(model.margin(ofRow: row).isFinite, "seed \(seed)")
            } catch {
                refused += 1
                #expect(!error.description.isEmpty)
            }
        }
        #expect(refused > 300, "seed \(seed)")
        #expect(refused < 1_000, "seed \(seed)")
    }

    @Test func `a file cut anywhere is refused`() {
        let sound = Array(XGBoostText().json.utf8)
        for count in 0..<sound.count {
            #expect(refusal(Array(sound[..<count])) != nil, "\(count) bytes")
        }
        #expect(refusal(sound) == nil)
    }

    /// Binary and other text formats: a real file of each, damaged at random places.
    @Test(arguments: DamagedFile.all)
    func `a damaged file of any format is refused or evaluated`(_ file: DamagedFile) throws {
        let sound = try file.bytes()
        var generator = SeededGenerator(seed: 11)
        var refused = 0
        for round in 0..<file.rounds {
            var bytes = sound
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                mutate(&bytes, using: &generator)
            }
            do throws(ImportError) {
                let model = try importModel(bytes, file.format)
                let row = [Float](repeating: 0.25, count: model.summary.featureCount)
                let (margins, _) = model.evaluate(row)
                #expect(margins.count == model.marginCount)
                if model.hasContributions {
                    _ = model.contributions(ofRow: row.map(Double.init))
                }
            } catch {
                refused += 1
                #expect(!error.description.isEmpty, "round \(round)")
            }
        }
        #expect(refused > file.rounds / 10)
    }

    @Test(arguments: DamagedFile.all)
    func `a file of any format cut anywhere is refused`(_ file: DamagedFile) throws {
        let sound = try file.bytes()
        for count in stride(from: 0, to: file.neededBytes(of: sound), by: 7) {
            #expect(refusal(Array(sound[..<count]), file.format) != nil, "\(count) bytes")
        }
        #expect(refusal(sound, file.format) == nil)
    }

    private func mutate(_ bytes: inout [UInt8], using generator: inout SeededGenerator) {
        guard !bytes.isEmpty else { return }
        let place = Int.random(in: bytes.indices, using: &generator)
        let words: [String] = [
            "-1", "99999999999", "1e39", "\"", "[", "}", "null", "2147483647", "-2147483649", ",",
            "0",
        ]
        switch Int.random(in: 0..<6, using: &generator) {
        case 0: bytes[place] = .random(in: 0...255, using: &generator)
        case 1: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
        case 2: bytes[place] = .random(in: UInt8(ascii: "0")...UInt8(ascii: "9"), using: &generator)
        case 3: bytes.remove(at: place)
        case 4: bytes.insert(contentsOf: words.randomElement(using: &generator)!.utf8, at: place)
        default:
            // A digit for a digit keeps the JSON sound and the numbers strange.
            let digits = bytes.indices.filter {
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[$0])
            }
            guard let digit = digits.randomElement(using: &generator) else { return }
            bytes[digit] = .random(in: UInt8(ascii: "0")...UInt8(ascii: "9"), using: &generator)
        }
    }
}
