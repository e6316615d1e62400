// SPDX-License-Identifier: Apache-2.0

/// What a YAML file may hold.
package enum YAMLLimits {
    /// Bytes of a file.
    package static let bytesMax = 1 << 20
    /// Mappings and sequences inside each other, the document's own included.
    package static let depthMax = 32
    /// Scalars, sequences and mappings of a file, keys included.
    package static let nodesMax = 100_000
}
