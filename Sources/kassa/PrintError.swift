// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Prints a line on standard error.
func printError(_ line: String) {
    unsafe fputs(line + "\n", stderr)
}
