// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <microhttpd.h>
