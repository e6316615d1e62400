// SPDX-License-Identifier: Apache-2.0

/// What takes the place of a value that is not PRESENT.
///
/// Codes are stored and equal the numbers of the API's `Fallback`.
package enum Fallback: UInt8, Sendable {
    /// The stored value all the same: for stale values only.
    case use = 1
    /// The declared default; the status says DEFAULTED.
    case useDefault = 2
    /// Nothing: a model sees NaN, and the status stays.
    case missing = 3
    /// There is no score.
    case fail = 4

    /// The word for it in documents.
    package var name: String {
        switch self {
        case .use: "use"
        case .useDefault: "default"
        case .missing: "missing"
        case .fail: "fail"
        }
    }
}
