// SPDX-License-Identifier: Apache-2.0

// A store to be tortured: `write` writes rows until it is killed and prints what was acknowledged,
// `verify` opens the store afterwards and says whether all of that is there, and whole.
//
//     StoreTorture write <directory> [--commands <count>] [--kill-at <fault point>:<hits to skip>]
//     StoreTorture verify <directory> [--acknowledged <sequence>] [--from <sequence>]
//     StoreTorture verify-images <directory>
//     StoreTorture snapshot <directory> --to <folder>
//     StoreTorture verify-snapshot <folder>
//     StoreTorture restore <folder> --to <directory>
//     StoreTorture measure-empty <directory> --commands <rows>
//     StoreTorture measure-turns <directory>
//
// `measure-empty` fills a table with rows of 1,000 bytes and times how long it takes to empty it.
// `verify-images` reads lines "<directory below> <acknowledged sequence>" and answers each with a line
// that begins `ok`, `lost`, `broken` or `refused`. The scripts beside this folder drive it.

internal import Glibc
internal import Store

func runTorture() -> Int32 {
    guard let arguments = Arguments(CommandLine.arguments.dropFirst()) else {
        printError("usage: StoreTorture write|verify <directory> [options]; see main.swift")
        return 64
    }
    do throws(StoreError) {
        switch arguments.verb {
        case .verifyImages: return verifyImages(below: arguments.directory)
        case .verifySnapshot:
            printLine("verified \(try Snapshot.verify(arguments.directory).sequence)")
            return 0
        case .restore:
            let manifest = try Snapshot.restore(arguments.directory, to: arguments.target)
            printLine("restored \(manifest.sequence)")
            return 0
        default: break
        }
        let environment = try Environment(
            at: arguments.directory, tables: Row.tables,
            configuration: EnvironmentConfiguration(
                diskFreePercentMin: arguments.diskFreePercentMin))
        switch arguments.verb {
        case .write: return try write(to: environment, arguments)
        case .verify: return try verify(environment, arguments)
        case .measureTurns: return try measureTurns(environment)
        case .snapshot:
            printLine("snapshot \(try environment.snapshot(to: arguments.target).sequence)")
            return 0
        case .verifyImages, .verifySnapshot, .restore: return 64
        case .measureEmpty: return try measureEmpty(environment, rows: arguments.commands)
        }
    } catch {
        printError(error.message)
        return 3
    }
}

exit(runTorture())
