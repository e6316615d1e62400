// SPDX-License-Identifier: Apache-2.0

internal import CCurl
internal import Base

/// One handle of libcurl, which keeps its connection open between posts (`curl_easy_perform`).
///
/// It blocks; it belongs to one thread at a time.
@safe struct HTTPPoster: ~Copyable, @unchecked Sendable {
    // Safe: both are freed in deinit, after the handle that points to the second was.
    private let handle: UnsafeMutableRawPointer
    private let post: UnsafeMutablePointer<kassa_post>
    private let end: TransferEnd

    /// Whether libcurl could be started, once for the process.
    private static let isReady = kassa_curl_start() == CURLE_OK

    init(_ settings: borrowing WebhookSettings, end: TransferEnd) throws(WebhookError) {
        guard Self.isReady, let handle = unsafe curl_easy_init() else {
            throw .library("it does not start")
        }
        let post = UnsafeMutablePointer<kassa_post>.allocate(capacity: 1)
        // Safe: `end` is kept for as long as the handle; C reads the cell atomically.
        unsafe post.initialize(
            to: kassa_post(
                received: 0, received_max: WebhookLimits.answerByteCountMax,
                deadline: UnsafeRawPointer(end.cell).assumingMemoryBound(to: UInt64.self)))
        let connect = min(WebhookLimits.connectMilliseconds, settings.timeoutMilliseconds)
        // Safe: libcurl copies every string.
        let code =
            if let file = settings.authoritiesFile {
                unsafe kassa_post_prepare(
                    handle, post, settings.url, file, settings.agent, connect)
            } else {
                unsafe kassa_post_prepare(
                    handle, post, settings.url, nil, settings.agent, connect)
            }
        guard code == CURLE_OK else {
            unsafe curl_easy_cleanup(handle)
            unsafe post.deallocate()
            // Safe: the words are a constant of the library.
            throw .library(unsafe String(cString: curl_easy_strerror(code)))
        }
        unsafe self.handle = handle
        unsafe self.post = post
        self.end = end
    }

    deinit {
        unsafe curl_easy_cleanup(handle)
        unsafe post.deallocate()
    }

    /// Posts `body` and waits for the whole answer, or for what is read of it.
    func post(
        headers: [String], body: Span<UInt8>, timeoutMilliseconds: Int
    ) -> DeliveryOutcome {
        var list: UnsafeMutablePointer<curl_slist>?
        defer { unsafe curl_slist_free_all(list) }
        for header in headers {
            // Safe: the library copies the text, and returns the list's head or nil without memory.
            guard let longer = unsafe curl_slist_append(list, header) else {
                return .unreachable("out of memory")
            }
            unsafe list = longer
        }
        var status = 0
        var retryAfterSeconds: UInt64 = 0
        // Safe: headers and body outlive the call, and the library keeps neither.
        let code = unsafe body.withUnsafeBufferPointer { body in
            unsafe kassa_post_perform(
                handle, post, list, body.baseAddress, body.count, timeoutMilliseconds, &status,
                &retryAfterSeconds)
        }
        guard code == CURLE_OK, status > 0 else {
            // Safe: the words are a constant of the library.
            return .unreachable(unsafe String(cString: curl_easy_strerror(code)))
        }
        return .answered(status: status, retryAfterSeconds: retryAfterSeconds)
    }
}
