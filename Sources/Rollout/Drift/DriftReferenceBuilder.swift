// SPDX-License-Identifier: Apache-2.0

internal import Base

/// Makes a reference of values that pass by, for a model that came without one.
///
/// Keeps all values up to its capacity, and beyond it a uniform sample of them (Vitter 1985, "Random
/// sampling with a reservoir", algorithm R), the same for the same seed.
package struct DriftReferenceBuilder: Sendable {
    /// Values that have passed by.
    package private(set) var observed: UInt64 = 0

    private let capacity: Int
    private var generator: SeededGenerator
    private var numbers: [Double] = []
    private var categories: [UInt64?] = []

    /// Nothing seen yet.
    package init(seed: UInt64, capacity: Int = 100_000) {
        self.capacity = max(capacity, 1)
        generator = SeededGenerator(seed: seed)
    }

    /// Takes one value of a number; NaN is missing. A feature has numbers or categories, not both.
    package mutating func observe(number: Double) {
        guard let place = nextPlace() else { return }
        if place == numbers.count { numbers.append(number) } else { numbers[place] = number }
    }

    /// Takes one value of a category by its hash; nil is missing.
    package mutating func observe(category hash: UInt64?) {
        guard let place = nextPlace() else { return }
        if place == categories.count { categories.append(hash) } else { categories[place] = hash }
    }

    /// The reference of what has passed by.
    ///
    /// - Complexity: O(n log n) of the values kept.
    package func build() -> DriftReference {
        categories.isEmpty
            ? DriftReference(numbers: numbers) : DriftReference(categories: categories)
    }

    /// Where the next value goes; nil if it is not kept.
    private mutating func nextPlace() -> Int? {
        observed &+= 1
        let kept = max(numbers.count, categories.count)
        if kept < capacity { return kept }
        let place = generator.next().multipliedFullWidth(by: observed).high
        return place < UInt64(capacity) ? Int(place) : nil
    }
}
