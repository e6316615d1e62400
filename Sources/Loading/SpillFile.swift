// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// A file of sorted runs that has no name any more: it is gone with the process, however that ends.
final class SpillFile {
    private let path: String
    private let descriptor: Int32
    private var byteCount = 0

    /// Makes the file at `path`, which must not exist, and takes its name away.
    init(_ path: String) throws(LoadError) {
        // Safe here and below: Swift passes NUL-terminated copies of strings for the call.
        let opened = unsafe open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard opened >= 0 else { throw Self.failure(path) }
        unsafe unlink(path)
        self.path = path
        descriptor = opened
    }

    deinit {
        close(descriptor)
    }

    /// Writes a sorted run behind those before, and returns where it lies.
    func write(_ run: borrowing SortRun) throws(LoadError) -> Range<Int> {
        let start = byteCount
        var chunk: [UInt8] = []
        chunk.reserveCapacity(LoadingLimits.chunkByteCount * 2)
        for place in 0..<run.count {
            run.appendRecord(at: place, to: &chunk)
            if chunk.count >= LoadingLimits.chunkByteCount { try write(&chunk) }
        }
        try write(&chunk)
        return start..<byteCount
    }

    private func write(_ chunk: inout [UInt8]) throws(LoadError) {
        var written = 0
        while written < chunk.count {
            // Safe: the source is the rest of the array.
            let count = unsafe chunk.withUnsafeBufferPointer { buffer in
                unsafe pwrite(
                    descriptor, buffer.baseAddress! + written, buffer.count - written,
                    byteCount + written)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Self.failure(path) }
            written += count
        }
        byteCount += chunk.count
        chunk.removeAll(keepingCapacity: true)
    }

    /// Appends up to `count` bytes from `offset` on to `bytes`.
    func read(_ count: Int, at offset: Int, into bytes: inout [UInt8]) throws(LoadError) {
        let before = bytes.count
        bytes.append(contentsOf: repeatElement(0, count: count))
        var received = 0
        while received < count {
            // Safe: pread writes within the room that was just made.
            let result = unsafe bytes.withUnsafeMutableBufferPointer { buffer in
                unsafe pread(
                    descriptor, buffer.baseAddress! + before + received, count - received,
                    offset + received)
            }
            if result < 0, errno == EINTR { continue }
            guard result > 0 else { throw Self.failure(path) }
            received += result
        }
    }

    private static func failure(_ path: String) -> LoadError {
        // Safe: strerror returns a C string, which is copied at once.
        .unsortable(path: path, reason: unsafe String(cString: strerror(errno)))
    }
}
