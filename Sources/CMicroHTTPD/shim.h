// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#include <microhttpd.h>

// Makes a listening socket at a numeric IPv4 or IPv6 address. Returns it and stores its real port,
// or returns a negated error number; -EINVAL if the address is no address.
static inline int kassa_admin_listen(const char *address, uint16_t port, uint16_t *real_port) {
    struct sockaddr_storage name;
    memset(&name, 0, sizeof name);
    struct sockaddr_in *v4 = (struct sockaddr_in *)&name;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&name;
    socklen_t length;
    if (inet_pton(AF_INET, address, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        length = sizeof *v4;
    } else if (inet_pton(AF_INET6, address, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        length = sizeof *v6;
    } else {
        return -EINVAL;
    }
    int one = 1;
    int fd = socket(name.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0
        || bind(fd, (struct sockaddr *)&name, length) != 0
        || listen(fd, 64) != 0
        || getsockname(fd, (struct sockaddr *)&name, &length) != 0) {
        int error = errno;
        close(fd);
        return -error;
    }
    *real_port = ntohs(name.ss_family == AF_INET ? v4->sin_port : v6->sin6_port);
    return fd;
}

// MHD_start_daemon is variadic, which Swift cannot call. The daemon owns the socket from here on.
static inline struct MHD_Daemon *kassa_admin_start(
    int listening_socket, MHD_AccessHandlerCallback handler, void *context,
    unsigned int connections_max, unsigned int timeout_seconds, size_t connection_memory_bytes) {
    return MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, handler, context,
        MHD_OPTION_LISTEN_SOCKET, listening_socket,
        MHD_OPTION_CONNECTION_LIMIT, connections_max,
        MHD_OPTION_CONNECTION_TIMEOUT, timeout_seconds,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, connection_memory_bytes,
        MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_END);
}
