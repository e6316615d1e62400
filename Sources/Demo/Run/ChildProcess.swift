// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Another program, started from here; to be waited for.
struct ChildProcess: ~Copyable {
    /// Where its standard output goes.
    enum Output {
        /// Where ours goes.
        case shared
        /// To be read with ``nextLine()``.
        case pipe
        /// The same, with what it writes to the standard error.
        case pipeWithErrors
    }

    private let process: pid_t
    /// The reading end of the pipe, or -1.
    private let descriptor: Int32
    private var unread: [UInt8] = []
    private var isWaitedFor = false

    /// Starts `path` with `arguments` (`posix_spawn`).
    init(_ path: String, _ arguments: [String], output: Output) throws(CommandError) {
        // What we have printed comes before what it prints.
        fflush(nil)
        var ends: [Int32] = [-1, -1]
        let isPiped = output != .shared
        if isPiped, unsafe pipe(&ends) != 0 { throw Self.failure("make a pipe", errno) }
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        if isPiped {
            unsafe posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO)
            if output == .pipeWithErrors {
                unsafe posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO)
            }
            unsafe posix_spawn_file_actions_addclose(&actions, ends[0])
            unsafe posix_spawn_file_actions_addclose(&actions, ends[1])
        }
        // Whichever signals the calling thread blocks: the child is to end when it is told to.
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        unsafe posix_spawnattr_setsigmask(&attributes, &signals)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var words: [UnsafeMutablePointer<CChar>?] = unsafe ([path] + arguments).map {
            unsafe strdup($0)
        }
        unsafe words.append(nil)
        var process: pid_t = 0
        // Safe: all pointers are valid during the call, which copies what it needs.
        let code = unsafe posix_spawn(&process, path, &actions, &attributes, words, environ)
        for index in unsafe words.indices { unsafe free(words[index]) }
        unsafe posix_spawn_file_actions_destroy(&actions)
        unsafe posix_spawnattr_destroy(&attributes)
        if isPiped { close(ends[1]) }
        guard code == 0 else {
            if isPiped { close(ends[0]) }
            throw Self.failure("start \(path)", code)
        }
        self.process = process
        descriptor = ends[0]
    }

    deinit {
        // Only if something went wrong: it would outlive us.
        if !isWaitedFor {
            kill(process, SIGTERM)
            var status: Int32 = 0
            unsafe waitpid(process, &status, 0)
        }
        if descriptor >= 0 { close(descriptor) }
    }

    /// The next line of its output without the line feed; nil at the end.
    mutating func nextLine() -> String? {
        while true {
            if let end = unread.firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(decoding: unread[..<end], as: UTF8.self)
                unread.removeFirst(end + 1)
                return line
            }
            var room = [UInt8](repeating: 0, count: 4_096)
            // Safe: read writes at most the room that it is told of.
            let count = unsafe room.withUnsafeMutableBytes { bytes in
                unsafe read(descriptor, bytes.baseAddress, bytes.count)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return nil }
            unread += room[..<count]
        }
    }

    /// Asks it to end.
    func terminate() {
        kill(process, SIGTERM)
    }

    /// Waits for its end and returns the exit code; 128 and the signal's number if one ended it.
    mutating func wait() -> Int32 {
        var status: Int32 = 0
        // Safe: writes to a local.
        while unsafe waitpid(process, &status, 0) < 0, errno == EINTR {}
        isWaitedFor = true
        let signal = status & 0x7F
        return signal == 0 ? status >> 8 & 0xFF : 128 + signal
    }

    private static func failure(_ action: String, _ code: Int32) -> CommandError {
        // Safe: strerror returns a C string which is copied at once.
        .failed("cannot \(action): \(unsafe String(cString: strerror(code)))")
    }
}
