// SPDX-License-Identifier: Apache-2.0

// A store to be tortured: `write` writes rows until it is killed and prints what was acknowledged,
// `verify` opens the store afterwards and says whether all of that is there, and whole.
//
//     StoreTorture write <directory> [--commands <count>] [--kill-at <fault point>:<hits to skip>]
//     StoreTorture verify <directory> [--acknowledged <sequence>] [--from <sequence>]
//     StoreTorture verify-images <directory>
//     StoreTorture measure-empty <directory> --commands <rows>
//
// `measure-empty` fills a table with rows of 1,000 bytes and times how long it takes to empty it.
// `verify-images` reads lines "<directory below> <acknowledged sequence>" and answers each with a line
// that begins `ok`, `lost`, `broken` or `refused`. `kill9.py`, `syscall_faults.py` and `power_cut.py`
// drive all this.

internal import Glibc
internal import Store

func runTorture() -> Int32 {
    guard let arguments = Arguments(CommandLine.arguments.dropFirst()) else {
        printError("usage: StoreTorture write|verify <directory> [options]; see main.swift")
        return 64
    }
    if arguments.verb == .verifyImages { return verifyImages(below: arguments.directory) }
    do throws(StoreError) {
        let environment = try Environment(at: arguments.directory, tables: Row.tables)
        switch arguments.verb {
        case .write: return try write(to: environment, arguments)
        case .verify: return try verify(environment, arguments)
        case .verifyImages: return 64
        case .measureEmpty: return try measureEmpty(environment, rows: arguments.commands)
        }
    } catch {
        printError(error.message)
        return 3
    }
}

exit(runTorture())
