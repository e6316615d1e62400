// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Store

/// What the command line asks for.
struct Arguments {
    enum Verb: String {
        case write
        case verify
        case verifyImages = "verify-images"
        case measureEmpty = "measure-empty"
        case measureTurns = "measure-turns"
        case snapshot
        case verifySnapshot = "verify-snapshot"
        case restore
    }

    var verb: Verb
    var directory: String
    /// Commands to write before stopping in order; without it, until killed.
    var commands = UInt64.max
    /// Where to kill the process itself.
    var killAt: (point: FaultPoint, skipping: Int)?
    /// Whether to leave out the syncs of durable groups: a bug, for the harness to find.
    var skipsSyncs = false
    /// Whether to go on writing when the store has been opened again after a panic.
    var outlivesPanic = false
    /// Whether to go on writing when the disk is full.
    var outlivesFullDisk = false
    /// The free share of the filesystem below which the store takes no puts.
    var diskFreePercentMin: UInt64 = 5
    /// Where a snapshot or a restored directory goes.
    var target = ""
    /// One write in so many is followed by a pause of up to 20 ms.
    var pauseOneIn: UInt64 = 400
    /// The seed of the choices; without it, the process number.
    var seed: UInt64?
    /// The last sequence that must be there.
    var acknowledged: UInt64 = 0
    /// The first sequence whose rows are compared byte by byte.
    var from: UInt64 = 1

    init?(_ words: ArraySlice<String>) {
        var words = words
        guard let verb = words.popFirst().flatMap({ Verb(rawValue: $0) }),
            let directory = words.popFirst()
        else { return nil }
        self.verb = verb
        self.directory = directory
        while let option = words.popFirst() {
            guard let value = words.popFirst() else { return nil }
            switch option {
            case "--commands":
                guard let number = UInt64(value) else { return nil }
                commands = number
            case "--seed":
                guard let number = UInt64(value) else { return nil }
                seed = number
            case "--outlive-panic":
                outlivesPanic = value == "yes"
            case "--outlive-full-disk":
                outlivesFullDisk = value == "yes"
            case "--disk-free-percent":
                guard let number = UInt64(value) else { return nil }
                diskFreePercentMin = number
            case "--to":
                target = value
            case "--pause-one-in":
                guard let number = UInt64(value), number > 0 else { return nil }
                pauseOneIn = number
            case "--plant":
                guard value == "skipped-sync" else { return nil }
                skipsSyncs = true
            case "--acknowledged":
                guard let number = UInt64(value) else { return nil }
                acknowledged = number
            case "--from":
                guard let number = UInt64(value) else { return nil }
                from = max(number, 1)
            case "--kill-at":
                guard let parsed = FaultPoint.parse(value) else { return nil }
                killAt = parsed
            default:
                return nil
            }
        }
    }
}

/// Writes one line to standard error.
func printError(_ text: String) {
    let line = Array((text + "\n").utf8)
    _ = unsafe Glibc.write(2, line, line.count)
}

/// Writes one line to standard output in one system call, so that it is out when this returns.
func printLine(_ text: String) {
    let line = Array((text + "\n").utf8)
    _ = unsafe Glibc.write(1, line, line.count)
}
