// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <curl/curl.h>

// What the callbacks of one handle look at; it outlives the handle.
struct kassa_post {
    size_t received;
    size_t received_max;
    // When a transfer is given up whatever its own timeout says, by CLOCK_MONOTONIC in nanoseconds; written by
    // any thread.
    const uint64_t *deadline;
};

// Bytes of an answer are counted and forgotten. A transfer whose answer goes on beyond the bound ends.
static inline size_t kassa_post_received(char *bytes, size_t size, size_t count, void *context) {
    struct kassa_post *post = (struct kassa_post *)context;
    (void)bytes;
    size_t total = size * count;
    if (total > post->received_max - post->received) {
        post->received = SIZE_MAX;
        return 0;
    }
    post->received += total;
    return total;
}

// Called by libcurl at least once a second.
static inline int kassa_post_progress(
    void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d) {
    const struct kassa_post *post = (const struct kassa_post *)context;
    (void)a, (void)b, (void)c, (void)d;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t nanoseconds = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    return nanoseconds >= __atomic_load_n(post->deadline, __ATOMIC_ACQUIRE);
}

// curl_easy_setopt is variadic, which Swift cannot call. Returns the first refusal of an option.
static inline CURLcode kassa_post_prepare(
    CURL *curl, struct kassa_post *post, const char *url, const char *ca_file,
    const char *agent, long connect_milliseconds) {
    CURLcode code = CURLE_OK;
#define KASSA_SET(option, value) \
    if (code == CURLE_OK) code = curl_easy_setopt(curl, option, value)
    KASSA_SET(CURLOPT_URL, url);
    KASSA_SET(CURLOPT_PROTOCOLS_STR, "http,https");
    KASSA_SET(CURLOPT_FOLLOWLOCATION, 0L);
    KASSA_SET(CURLOPT_SSL_VERIFYPEER, 1L);
    KASSA_SET(CURLOPT_SSL_VERIFYHOST, 2L);
    if (ca_file) KASSA_SET(CURLOPT_CAINFO, ca_file);
    KASSA_SET(CURLOPT_USERAGENT, agent);
    // A signal is no timer in a process with threads.
    KASSA_SET(CURLOPT_NOSIGNAL, 1L);
    KASSA_SET(CURLOPT_CONNECTTIMEOUT_MS, connect_milliseconds);
    KASSA_SET(CURLOPT_POST, 1L);
    KASSA_SET(CURLOPT_WRITEFUNCTION, kassa_post_received);
    KASSA_SET(CURLOPT_WRITEDATA, post);
    KASSA_SET(CURLOPT_NOPROGRESS, 0L);
    KASSA_SET(CURLOPT_XFERINFOFUNCTION, kassa_post_progress);
    KASSA_SET(CURLOPT_XFERINFODATA, post);
#undef KASSA_SET
    return code;
}

// One POST. `status` is 0 if no answer's head was read, `retry_after` 0 if none was named.
static inline CURLcode kassa_post_perform(
    CURL *curl, struct kassa_post *post, struct curl_slist *headers, const void *body,
    size_t count, long timeout_milliseconds, long *status, uint64_t *retry_after) {
    post->received = 0;
    *status = 0;
    *retry_after = 0;
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, (const char *)body);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)count);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout_milliseconds);
    CURLcode code = curl_easy_perform(curl);
    curl_off_t seconds = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, status);
    if (curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &seconds) == CURLE_OK && seconds > 0)
        *retry_after = (uint64_t)seconds;
    // What was lent is not the handle's any more.
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, NULL);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, "");
    // An answer that was cut because it is too long has said what it has to say.
    if (code == CURLE_WRITE_ERROR && post->received == SIZE_MAX) return CURLE_OK;
    return code;
}

// For the whole process; not to be called by two threads at once.
static inline CURLcode kassa_curl_start(void) {
    return curl_global_init(CURL_GLOBAL_DEFAULT);
}
