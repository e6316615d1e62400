// SPDX-License-Identifier: Apache-2.0

/// Why a bench ends without a result.
struct BenchError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
