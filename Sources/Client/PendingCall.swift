// SPDX-License-Identifier: Apache-2.0

package import API
package import Base
internal import GRPC

/// A call that was begun.
package final class PendingCall {
    /// The method that is called.
    package let method: APIMethod
    /// When the call was begun.
    package let startedAt: MonotonicTime
    /// When the call ended; nil as long as it has not.
    package internal(set) var finishedAt: MonotonicTime?

    let tag: Int
    var id: CallID?
    var deadline = MonotonicTime.distantFuture
    var reply: [UInt8] = []
    var status = Status.unknown
    var statusMessage = ""

    init(method: APIMethod, tag: Int, startedAt: MonotonicTime) {
        self.method = method
        self.tag = tag
        self.startedAt = startedAt
    }

    /// Whether the reply, or a status in its place, is there.
    package var isFinished: Bool { finishedAt != nil }
}
