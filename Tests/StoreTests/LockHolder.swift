// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing

/// A real process that holds `flock` on a file and has left its number in it.
final class LockHolder {
    let processID: Int32
    private var hasEnded = false

    init(file: String) {
        let script = """
            import fcntl, os, sys, time
            f = open(sys.argv[1], "r+")
            fcntl.flock(f, fcntl.LOCK_EX)
            f.truncate(0); f.write(f"{os.getpid()}\\n"); f.flush()
            os.write(1, b"locked")
            time.sleep(60)
            """
        var pipes: [Int32] = [0, 0]
        #expect(unsafe pipe(&pipes) == 0)
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        unsafe posix_spawn_file_actions_adddup2(&actions, pipes[1], 1)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        var arguments: [UnsafeMutablePointer<CChar>?] = unsafe []
        for argument in ["python3", "-c", script, file] {
            unsafe arguments.append(strdup(argument))
        }
        unsafe arguments.append(nil)
        defer { unsafe arguments.forEach { unsafe free($0) } }
        var spawned: pid_t = 0
        let code = unsafe posix_spawnp(
            &spawned, "python3", &actions, nil, arguments, environ)
        #expect(code == 0)
        close(pipes[1])
        var answer = [UInt8](repeating: 0, count: 6)
        #expect(unsafe read(pipes[0], &answer, 6) == 6)
        close(pipes[0])
        processID = spawned
    }

    deinit { end() }

    /// Ends the process, and with it the lock.
    func end() {
        guard !hasEnded else { return }
        hasEnded = true
        kill(processID, SIGKILL)
        var status: Int32 = 0
        unsafe waitpid(processID, &status, 0)
    }
}
