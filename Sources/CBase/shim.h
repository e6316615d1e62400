// SPDX-License-Identifier: Apache-2.0
#pragma once
// What Base needs of C: the name of a thread, a timed wait, and two instructions of the processor: CRC-32C, prefetch.
// Without _GNU_SOURCE, under which fd_set differs from the one that other modules have seen.
#include <pthread.h>
#include <malloc.h>
#include <semaphore.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

// glibc declares pthread_setname_np for _GNU_SOURCE only, which Swift's Glibc does not define.
extern int pthread_setname_np(pthread_t thread, const char *name);

static inline void kassa_name_this_thread(const char *name) {
    pthread_setname_np(pthread_self(), name);
}

// The same holds for the wait by a clock that nobody sets.
extern int sem_clockwait(sem_t *semaphore, clockid_t clock, const struct timespec *until);

static inline int kassa_sem_wait_until(
    sem_t *semaphore, uint64_t monotonic_nanoseconds) {
    struct timespec until = {
        (time_t)(monotonic_nanoseconds / 1000000000), (long)(monotonic_nanoseconds % 1000000000)};
    return sem_clockwait(semaphore, CLOCK_MONOTONIC, &until);
}

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
        memcpy(&word, bytes, 8);
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

// Has malloc keep what is freed, up to `rest_bytes` at the end of a heap and in blocks of `block_bytes`.
static inline void kassa_keep_freed_memory(int block_bytes, int rest_bytes) {
    mallopt(M_MMAP_THRESHOLD, block_bytes);
    mallopt(M_TRIM_THRESHOLD, rest_bytes);
}
