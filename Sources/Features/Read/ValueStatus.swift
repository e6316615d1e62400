// SPDX-License-Identifier: Apache-2.0

/// How honest a value is: what a reader gets beside it.
///
/// Raw values equal those of the API's `Status`. The rules, first match wins:
/// damaged row → invalid; no row → noEntity; no value → noFeature; older than the ttl → expired;
/// explicit null → null; older than the feature's max age → stale (the value is given);
/// otherwise present. A declared default then replaces noEntity, noFeature and expired with defaulted.
/// It does not replace null, which somebody said on purpose, unless the feature says so, nor invalid, which
/// must never be hidden: see ``FeatureDefinition/defaultedStatuses``.
package enum ValueStatus: UInt8, Sendable {
    case present = 1
    case null = 2
    case noEntity = 3
    case noFeature = 4
    case stale = 5
    case expired = 6
    case defaulted = 7
    case invalid = 8

    /// The status's name in the API.
    package var name: String {
        switch self {
        case .present: "PRESENT"
        case .null: "NULL"
        case .noEntity: "NO_ENTITY"
        case .noFeature: "NO_FEATURE"
        case .stale: "STALE"
        case .expired: "EXPIRED"
        case .defaulted: "DEFAULTED"
        case .invalid: "INVALID"
        }
    }

    /// Whether a value goes with the status.
    package var hasValue: Bool {
        switch self {
        case .present, .stale, .defaulted: true
        case .null, .noEntity, .noFeature, .expired, .invalid: false
        }
    }
}
