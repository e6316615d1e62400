// SPDX-License-Identifier: Apache-2.0

internal import Features

extension EngineError {
    /// A request that is wrong in one field; `prefix` is what the field lies in, "spec.".
    init(_ error: FieldError, in prefix: String = "", _ kind: Kind = .invalidArgument) {
        self.init(kind, "\(prefix)\(error.field): \(error.reason)")
    }
}
