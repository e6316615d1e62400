// SPDX-License-Identifier: Apache-2.0

internal import Features

extension EngineError {
    /// A request that is wrong in one field; `prefix` is what the field lies in, "spec.".
    init(_ error: FieldError, in prefix: String = "", _ kind: Kind = .invalidArgument) {
        self.init(kind, "\(prefix)\(error.field): \(error.reason)")
    }

    /// A document that is wrong, or does not fit what exists; `prefix` is its place in the request.
    init(_ error: FeatureSetError, in prefix: String = "") {
        switch error {
        case .invalid(let field, let reason):
            self.init(.invalidArgument, "\(prefix)\(field): \(reason)")
        case .conflict(let field, let reason):
            self.init(.failedPrecondition, "\(prefix)\(field): \(reason)")
        }
    }
}
