// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <lmdb.h>
#include <sys/prctl.h>

// prctl is variadic, which Swift cannot call; pthread_setname_np needs _GNU_SOURCE, which Glibc's
// module is not built with. At most 15 bytes of `name` are kept.
static inline void kassa_store_name_this_thread(const char *name) {
    prctl(PR_SET_NAME, (unsigned long)name, 0, 0, 0);
}
