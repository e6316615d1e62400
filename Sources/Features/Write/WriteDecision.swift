// SPDX-License-Identifier: Apache-2.0

package import API

/// What a write with an id is.
package enum WriteDecision: Equatable, Sendable {
    /// It was not seen before, or too long ago: apply it.
    case new
    /// It was applied: answer with this, under the request's own sequence.
    case repeated(KassaV1.WriteResponse)
    /// Another write had the id: ALREADY_EXISTS.
    case conflict
}
