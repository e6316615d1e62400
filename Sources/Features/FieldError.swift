// SPDX-License-Identifier: Apache-2.0

/// Why a request is refused as a whole: INVALID_ARGUMENT. Nothing of it is done.
package struct FieldError: Error, Hashable {
    /// The field of the request, "columns[3].values" and the like.
    package let field: String
    /// What is wrong, to follow the field's name; never a value.
    package let reason: String

    /// An error about `field`.
    package init(field: String, reason: String) {
        self.field = field
        self.reason = reason
    }
}
