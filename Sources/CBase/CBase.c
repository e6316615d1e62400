// SPDX-License-Identifier: Apache-2.0
// glibc declares two of these functions for _GNU_SOURCE only, which Swift's Glibc does not define.
#define _GNU_SOURCE
#include "CBase.h"

#include <malloc.h>
#include <pthread.h>
#include <semaphore.h>
#include <time.h>

void kassa_name_this_thread(const char *name) {
    pthread_setname_np(pthread_self(), name);
}

int kassa_sem_wait_until(void *semaphore, uint64_t monotonic_nanoseconds) {
    struct timespec until = {
        (time_t)(monotonic_nanoseconds / 1000000000), (long)(monotonic_nanoseconds % 1000000000)};
    return sem_clockwait(semaphore, CLOCK_MONOTONIC, &until);
}

void kassa_keep_freed_memory(int block_bytes, int rest_bytes) {
    mallopt(M_MMAP_THRESHOLD, block_bytes);
    mallopt(M_TRIM_THRESHOLD, rest_bytes);
}
