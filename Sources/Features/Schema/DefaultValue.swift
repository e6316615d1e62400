// SPDX-License-Identifier: Apache-2.0

/// What stands in for a missing value, in the feature's own type.
package enum DefaultValue: Hashable, Sendable {
    case float32(Float)
    case float64(Double)
    case int64(Int64)
    case bool(Bool)
    case string(String)
    /// Microseconds since the Unix epoch.
    case timestamp(Int64)
    case vector([Float])
    case strings([String])

    /// The default for people: in plans.
    package var text: String {
        switch self {
        case .float32(let value): "\(value)"
        case .float64(let value): "\(value)"
        case .int64(let value): "\(value)"
        case .bool(let value): "\(value)"
        case .string(let value): "\"\(value)\""
        case .timestamp(let value): "\(value) µs"
        case .vector(let values): "\(values)"
        case .strings(let values): "\(values)"
        }
    }
}
