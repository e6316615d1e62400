// SPDX-License-Identifier: Apache-2.0

/// One value of a model's row, as the file declares it.
package struct ModelInput: Sendable, Equatable {
    /// Empty if the file names no inputs.
    package let name: String
    /// For an input that is a text: the texts that the model tells apart. Its value in a row is the
    /// text's index here, -1 for any other text and NaN for a missing one.
    package let categories: [String]

    /// Whether the row holds a category's number instead of the value itself.
    package var isText: Bool { !categories.isEmpty }

    init(name: String, categories: [String] = []) {
        self.name = name
        self.categories = categories
    }
}
