// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import Glibc
internal import Store
internal import Synchronization

/// Writes rows, one in ten of them durable, until killed or done; returns the exit code.
func write(to environment: Environment, _ arguments: Arguments) throws(StoreError) -> Int32 {
    if let (point, skipping) = arguments.killAt {
        environment.faults.arm(point, .kill, skipping: skipping)
    }
    // Armed with no error, the point takes the place of the call: it is not made, and "succeeds".
    if arguments.skipsSyncs { environment.faults.arm(.sync, .fail(errno: 0)) }
    var limits = WriterLimits()
    limits.queuedCommandsMax = 500
    let writer = try Writer(environment: environment, limits: limits)
    let tables = Tables(environment)
    let failures = Failures()
    var generator = SeededGenerator(seed: arguments.seed ?? UInt64(getpid()))
    var written: UInt64 = 0
    while written < arguments.commands && failures.count.load(ordering: .relaxed) == 0 {
        let durability: Durability = generator.next() % 10 == 0 ? .durable : .fast
        let command = RowCommand(
            tables, durability, failures, outlivesPanic: arguments.outlivesPanic,
            outlivesFullDisk: arguments.outlivesFullDisk)
        while true {
            do throws(StoreError) {
                try writer.submit(command)
                break
            } catch .queueFull {
                usleep(50)
            } catch .panicked where arguments.outlivesPanic {
                guard waitForReopen(environment) else { return 5 }
            }
        }
        written += 1
        // Now and then a pause, so that groups of all sizes and idle syncs come up.
        if generator.next() % arguments.pauseOneIn == 0 {
            usleep(UInt32(generator.next() % 20_000))
        }
    }
    writer.stop()
    if arguments.outlivesPanic, let sizes = try? environment.statistics() {
        printError("reopened \(sizes.reopens) \(sizes.outageMicroseconds)")
    }
    return failures.count.load(ordering: .relaxed) == 0 ? 0 : 4
}

/// Waits until the store takes writes again; false after a second.
private func waitForReopen(_ environment: Environment) -> Bool {
    let started = MonotonicTime.now()
    while environment.writeRefusal != nil {
        if MonotonicTime.now().nanoseconds(since: started) > 1_000_000_000 { return false }
        usleep(100)
    }
    return true
}
