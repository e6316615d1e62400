// SPDX-License-Identifier: Apache-2.0

/// The word of a list that a misspelt word most likely means.
package enum NearestWord {
    /// The candidate within two edits, or a third of the word's length if that is more; nil if none.
    ///
    /// - Complexity: O(candidates × length²); words longer than 64 have no nearest.
    package static func of(_ word: String, among candidates: [String]) -> String? {
        let letters = Array(word.unicodeScalars)
        guard !letters.isEmpty, letters.count <= 64 else { return nil }
        let limit = max(2, letters.count / 3)
        return
            candidates
            .map { (word: $0, distance: distance(letters, Array($0.unicodeScalars))) }
            .filter { $0.distance <= limit && $0.distance < letters.count }
            .min { $0.distance < $1.distance }?
            .word
    }

    /// The edits (insert, remove, replace) that turn one into the other, after Levenshtein.
    private static func distance(_ left: [Unicode.Scalar], _ right: [Unicode.Scalar]) -> Int {
        var row = Array(0...right.count)
        for (index, letter) in left.enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for (column, other) in right.enumerated() {
                let replaced = diagonal + (letter == other ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(replaced, diagonal + 1, row[column] + 1)
            }
        }
        return row[right.count]
    }
}
