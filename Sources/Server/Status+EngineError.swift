// SPDX-License-Identifier: Apache-2.0

internal import Engine
internal import GRPC

extension Status {
    /// The gRPC status of an engine's refusal: the one place where errors become statuses.
    init(_ error: EngineError) {
        self =
            switch error.kind {
            case .invalidArgument: .invalidArgument
            case .notFound: .notFound
            case .alreadyExists: .alreadyExists
            case .failedPrecondition: .failedPrecondition
            case .aborted: .aborted
            case .resourceExhausted: .resourceExhausted
            case .dataLoss: .dataLoss
            case .unavailable: .unavailable
            case .malformed, .internal: .internalError
            }
    }
}
