// SPDX-License-Identifier: Apache-2.0

internal import CNGHTTP2

/// nghttp2's options for a session under `limits`.
@safe struct SessionOptions: ~Copyable {
    let options: OpaquePointer

    init(_ limits: Limits) {
        var made: OpaquePointer?
        // Safe: the option object is ours; sessions copy what they need.
        let result = unsafe nghttp2_option_new(&made)
        precondition(result == 0, "nghttp2 has no memory for options")
        unsafe options = made!
        unsafe nghttp2_option_set_no_auto_window_update(options, 1)
        unsafe nghttp2_option_set_no_closed_streams(options, 1)
        unsafe nghttp2_option_set_max_outbound_ack(options, limits.outboundAcknowledgementsMax)
        unsafe nghttp2_option_set_max_settings(options, limits.settingsEntriesMax)
        unsafe nghttp2_option_set_max_continuations(options, limits.continuationFramesMax)
        unsafe nghttp2_option_set_stream_reset_rate_limit(
            options, limits.resetsBurstMax, limits.resetsPerSecondMax)
    }

    deinit {
        unsafe nghttp2_option_del(options)
    }
}
