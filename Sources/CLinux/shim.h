// SPDX-License-Identifier: Apache-2.0
#pragma once
// glibc parts that `import Glibc` does not bring to Swift.
// Without _GNU_SOURCE, under which fd_set differs from the one that Swift's Glibc module has seen.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

// epoll_event is packed on x86-64, so its data field sits at an odd offset for Swift's importer.
static inline uint64_t kassa_epoll_tag(const struct epoll_event *event) {
    return event->data.u64;
}

static inline int kassa_epoll_control(int epoll, int operation, int descriptor, uint32_t events,
                                      uint64_t tag) {
    struct epoll_event event;
    event.events = events;
    event.data.u64 = tag;
    return epoll_ctl(epoll, operation, descriptor, &event);
}

int accept4(int listener, struct sockaddr *address, socklen_t *size, int flags);

// accept4 that sets what every accepted socket needs.
static inline int kassa_accept(int listener) {
    return accept4(listener, 0, 0, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

static inline int kassa_set_option(int descriptor, int level, int name, int value) {
    return setsockopt(descriptor, level, name, &value, sizeof value);
}

static inline int kassa_errno(void) { return errno; }
