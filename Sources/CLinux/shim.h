// SPDX-License-Identifier: Apache-2.0
#pragma once
// glibc parts that `import Glibc` does not bring to Swift.
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>
