// SPDX-License-Identifier: Apache-2.0

/// What a client session has to tell; the call is lent until the next event is asked for.
package enum ClientEvent {
    /// A whole reply message has arrived.
    case message(ClientCall)
    /// The call is over; its status is settled.
    case finished(ClientCall)
}
