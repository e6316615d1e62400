// SPDX-License-Identifier: Apache-2.0

/// Why the engine refused or failed a request: a kind that maps to one gRPC status, and a reason.
///
/// The reason names the field at fault and never repeats a value that the client sent.
package struct EngineError: Error, Equatable {
    /// The closed set of refusals; the edge maps each to a status in one switch.
    package enum Kind: Equatable, Sendable {
        /// The request itself is wrong.
        case invalidArgument
        /// What the request names does not exist.
        case notFound
        /// It exists already, with other content.
        case alreadyExists
        /// It makes no sense in the present state.
        case failedPrecondition
        /// A compare-and-set did not match.
        case aborted
        /// A queue or budget is full; `retryMilliseconds` says whether it empties by itself.
        case resourceExhausted
        /// Stored bytes are damaged.
        case dataLoss
        /// The store cannot be used at the moment.
        case unavailable
        /// The request is not a valid protobuf message.
        case malformed
        /// The engine itself is at fault.
        case `internal`
    }

    /// What decides the status that a caller gets.
    package let kind: Kind
    /// What is wrong and where, for a person.
    package let reason: String
    /// When the same request may be tried again, in milliseconds; nil where waiting alone does not help.
    package let retryMilliseconds: UInt32?
    /// Whether the store did not take it, which says nothing against the request itself.
    let isFromStore: Bool

    /// An error of that kind, with its reason.
    package init(_ kind: Kind, _ reason: String, retryMilliseconds: UInt32? = nil) {
        self.init(kind, reason, retryMilliseconds: retryMilliseconds, isFromStore: false)
    }

    init(_ kind: Kind, _ reason: String, retryMilliseconds: UInt32?, isFromStore: Bool) {
        self.kind = kind
        self.reason = reason
        self.retryMilliseconds = retryMilliseconds
        self.isFromStore = isFromStore
    }
}
