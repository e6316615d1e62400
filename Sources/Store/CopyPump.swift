// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import Glibc
internal import Synchronization

/// Takes what LMDB writes of itself out of a pipe and into a file, at its pace and within its limits.
///
/// LMDB copies itself in one call that asks nobody whether to go on. It stops when a write fails, so a
/// copy that is to end has the pipe replaced by a full device, and what is still in the pipe thrown away.
final class CopyPump: Sendable {
    /// Why a copy ended early.
    enum Failure: Sendable {
        case system(errno: Int32)
        case cancelled
        case tooCostly(CopyCost)
    }

    private static let chunkBytes = 256 << 10
    /// How often the limits are looked at while nothing comes or nothing may be written.
    private static let patienceMilliseconds: Int32 = 50
    /// Bytes after which they are synced, so that a sync of the writer's never meets all of them at once.
    private static let dirtyBytesMax = 8 << 20

    private let input: Int32
    private let output: Int32
    private let pace: CopyPace
    /// Stops LMDB's writing.
    private let stop: @Sendable () -> Void
    private let isCancelled: @Sendable () -> Bool
    /// By how many bytes the data file has grown.
    private let growth: @Sendable () -> UInt64
    private let growthMax: UInt64
    private let found = Mutex<Failure?>(nil)

    init(
        from input: Int32, to output: Int32, pace: CopyPace, growthMax: UInt64,
        stop: @escaping @Sendable () -> Void, isCancelled: @escaping @Sendable () -> Bool,
        growth: @escaping @Sendable () -> UInt64
    ) {
        self.input = input
        self.output = output
        self.pace = pace
        self.growthMax = growthMax
        self.stop = stop
        self.isCancelled = isCancelled
        self.growth = growth
    }

    /// Why the copy ended early; nil, if it did not.
    var failure: Failure? { found.withLock { $0 } }

    /// Works until the other end of the pipe is closed.
    func run() {
        let started = MonotonicTime.now()
        var chunk = [UInt8](repeating: 0, count: Self.chunkBytes)
        var written = 0
        var flushed = 0
        while true {
            check(since: started)
            var wanted = pollfd(fd: input, events: Int16(POLLIN), revents: 0)
            let ready = unsafe poll(&wanted, 1, Self.patienceMilliseconds)
            if ready == 0 || ready < 0 && errno == EINTR { continue }
            let count = unsafe read(input, &chunk, Self.chunkBytes)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return }
            guard failure == nil else { continue }
            guard write(chunk.span.extracting(first: count)) else {
                fail(.system(errno: errno))
                continue
            }
            written += count
            if written - flushed >= Self.dirtyBytesMax {
                // Whether it failed the sync of the whole file tells.
                fdatasync(output)
                flushed = written
            }
            wait(for: UInt64(written), since: started)
        }
    }

    private func write(_ bytes: Span<UInt8>) -> Bool {
        var written = 0
        while written < bytes.count {
            // Safe: the source is the rest of the span.
            let count = unsafe bytes.withUnsafeBufferPointer { buffer in
                unsafe Glibc.write(output, buffer.baseAddress! + written, buffer.count - written)
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return false }
            written += count
        }
        return true
    }

    /// Waits until `bytes` may have been written, unless the copy is to end.
    private func wait(for bytes: UInt64, since started: MonotonicTime) {
        guard let rate = pace.bytesPerSecond else { return }
        let seconds = Double(bytes) / Double(max(1, rate))
        // No copy takes a year; a rate that would make it one must not overflow.
        let due = started.advanced(byNanoseconds: UInt64(min(seconds, 31_536_000) * 1e9))
        while failure == nil {
            let now = MonotonicTime.now()
            guard now < due else { return }
            let left = due.nanoseconds(since: now) / 1_000
            usleep(UInt32(min(left + 1, UInt64(Self.patienceMilliseconds) * 1_000)))
            check(since: started)
        }
    }

    /// Ends the copy if it is to end.
    private func check(since started: MonotonicTime) {
        guard failure == nil else { return }
        let seconds = MonotonicTime.now().nanoseconds(since: started) / 1_000_000_000
        let growth = growth()
        if isCancelled() {
            fail(.cancelled)
        } else if let secondsMax = pace.secondsMax, seconds >= secondsMax {
            fail(.tooCostly(.seconds(seconds)))
        } else if growth > growthMax {
            fail(.tooCostly(.growth(bytes: growth)))
        }
    }

    private func fail(_ failure: Failure) {
        found.withLock { $0 = failure }
        stop()
    }
}
