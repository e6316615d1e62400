// SPDX-License-Identifier: Apache-2.0

internal import Glibc

do throws(CommandError) {
    try DemoCommand(arguments: Array(CommandLine.arguments.dropFirst())).run()
} catch {
    // Not on the standard output, which may be a file of rows.
    fflush(nil)
    var message = "Demo: \(error)\n" + (error.isUsage ? "\n\(DemoCommand.usage)\n" : "")
    // Safe: the bytes are lent for the call.
    message.withUTF8 { bytes in _ = unsafe write(2, bytes.baseAddress, bytes.count) }
    exit(error.isUsage ? 2 : 1)
}
