// SPDX-License-Identifier: Apache-2.0
#pragma once
// What Base needs of C: the name of a thread, a timed wait, malloc's settings, and two instructions of the processor.
//
// Only headers without types of the system: a struct that is first seen here would belong to this module,
// and Swift files that import Glibc would miss it.
#include <stddef.h>
#include <stdint.h>

// Names the calling thread, in at most 15 bytes. pthread_setname_np.
void kassa_name_this_thread(const char *name);

// Waits for a sem_t until a time of CLOCK_MONOTONIC; 0, or -1 with errno. sem_clockwait.
int kassa_sem_wait_until(void *semaphore, uint64_t monotonic_nanoseconds);

// Has malloc keep what is freed, up to `rest_bytes` at the end of a heap and in blocks of `block_bytes`. mallopt.
void kassa_keep_freed_memory(int block_bytes, int rest_bytes);

// Asks for `count` bytes to be brought near, at most four cache lines of them.
static inline void kassa_prefetch(const uint8_t *bytes, size_t count) {
    for (size_t at = 0; at < count && at < 256; at += 64) __builtin_prefetch(bytes + at);
}

#if defined(__x86_64__)
static inline int kassa_has_crc32c(void) {
    return __builtin_cpu_supports("sse4.2");
}

__attribute__((target("sse4.2"))) static inline uint32_t kassa_crc32c(
    uint32_t crc, const uint8_t *bytes, size_t count) {
    uint64_t state = crc;
    for (; count >= 8; bytes += 8, count -= 8) {
        uint64_t word;
        __builtin_memcpy(&word, bytes, 8);
        state = __builtin_ia32_crc32di(state, word);
    }
    uint32_t tail = (uint32_t)state;
    for (; count > 0; bytes += 1, count -= 1) tail = __builtin_ia32_crc32qi(tail, *bytes);
    return tail;
}
#else
static inline int kassa_has_crc32c(void) { return 0; }
static inline uint32_t kassa_crc32c(uint32_t crc, const uint8_t *bytes, size_t count) {
    (void)bytes;
    (void)count;
    return crc;
}
#endif
