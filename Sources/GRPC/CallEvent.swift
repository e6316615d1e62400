// SPDX-License-Identifier: Apache-2.0

/// What a session has to tell a handler; the call is lent until the next event is asked for.
package enum CallEvent {
    /// A whole message has arrived; of a unary call exactly one, and nothing else follows.
    case message(Call)
    /// The peer of a streaming call sends no more messages.
    case halfClosed(Call)
    /// The call is over without an answer of the handler: the peer reset it, or its deadline passed.
    case cancelled(Call)
}
