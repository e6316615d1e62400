// SPDX-License-Identifier: Apache-2.0

// A store to be tortured: `write` writes rows until it is killed and prints what was acknowledged,
// `verify` opens the store afterwards and says whether all of that is there, and whole.
//
//     StoreTorture write <directory> [--commands <count>] [--kill-at <fault point>:<hits to skip>]
//     StoreTorture verify <directory> [--acknowledged <sequence>] [--from <sequence>]
//
// `kill9.py` drives it. A replay of a system-call trace can drive it the same way: `write` under
// `strace`, then `verify` on each image that a power cut could have left, with `--acknowledged` for
// the last durable write before the cut.

internal import Glibc
internal import Store

func runTorture() -> Int32 {
    guard let arguments = Arguments(CommandLine.arguments.dropFirst()) else {
        printError("usage: StoreTorture write|verify <directory> [options]; see main.swift")
        return 64
    }
    do throws(StoreError) {
        let environment = try Environment(at: arguments.directory, tables: Row.tables)
        switch arguments.verb {
        case .write: return try write(to: environment, arguments)
        case .verify: return try verify(environment, arguments)
        }
    } catch {
        printError(error.message)
        return 3
    }
}

exit(runTorture())
