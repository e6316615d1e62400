// SPDX-License-Identifier: Apache-2.0

/// The proto files of the API as descriptors, for server reflection.
package enum APIFiles {
    /// The file of this name, "kassa/v1/values.proto".
    package static func file(named name: String) -> APIFile? {
        all.first { $0.name == name }
    }

    /// The file that declares `symbol`: a message, enum, service or method by its full name.
    package static func file(declaring symbol: String) -> APIFile? {
        all.first { $0.symbols.contains(symbol) }
    }
}
