// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Prints a line on standard error.
func printError(_ line: String, terminator: String = "\n") {
    var text = line + terminator
    // Safe: the bytes are valid during the call. A closed standard error is nobody's to hear of.
    _ = text.withUTF8 { unsafe write(STDERR_FILENO, $0.baseAddress, $0.count) }
}
