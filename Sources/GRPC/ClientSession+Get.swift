// SPDX-License-Identifier: Apache-2.0

package import Base
internal import CNGHTTP2

/// Plain HTTP/2 beside gRPC, so that a web server can be measured by the same client.
extension ClientSession {
    /// Opens a GET; it ends with `.finished`, and is OK if a response of status 200 came whole.
    ///
    /// The body is dropped as it arrives. Returns nil when the connection takes no more calls.
    @discardableResult
    package func get(_ path: Path, tag: Int, now: MonotonicTime) -> CallID? {
        let call = acquireCall(tag: tag, isUnary: true, now: now)
        call.isPlain = true
        call.isHalfClosed = true
        // Safe: the slot table retains the call until its stream has closed.
        let pointer = unsafe Unmanaged.passUnretained(call).toOpaque()
        let stream = unsafe fields.withGetFields(path.index) { list, count in
            unsafe nghttp2_submit_request(session, nil, list, count, nil, pointer)
        }
        guard stream > 0 else {
            release(call)
            return nil
        }
        call.streamID = stream
        return call.id
    }
}
