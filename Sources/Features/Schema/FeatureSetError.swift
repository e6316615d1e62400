// SPDX-License-Identifier: Apache-2.0

/// Why a document of a feature set is refused.
package enum FeatureSetError: Error, Equatable {
    /// The document is wrong in itself: INVALID_ARGUMENT.
    case invalid(field: String, reason: String)
    /// The document does not fit what exists: FAILED_PRECONDITION.
    case conflict(field: String, reason: String)
}
