// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A process that ends with its owner, pinned to one core.
@safe final class ChildProcess {
    /// The process id.
    let id: Int32
    private var status: Int32?
    /// CPU time that it used, once it has ended.
    private(set) var cpuSeconds = 0.0

    /// Starts `words` on `core`, with standard output and errors going to the file `log`.
    ///
    /// `setpriv` has the kernel end the child should this process be killed; it and `taskset`
    /// replace themselves by the next program, so that the id is that of the program itself.
    init(_ words: [String], core: Int, log: String) throws(BenchError) {
        let all = ["setpriv", "--pdeathsig", "TERM", "taskset", "-c", "\(core)"] + words
        var actions = unsafe posix_spawn_file_actions_t()
        _ = unsafe posix_spawn_file_actions_init(&actions)
        defer { _ = unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_addopen(
            &actions, 1, log, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        unsafe posix_spawn_file_actions_adddup2(&actions, 1, 2)
        // Safe: the copies live until the call has returned, and a null pointer ends the list.
        var arguments = unsafe all.map { unsafe strdup($0) }
        defer { unsafe arguments.forEach { unsafe free($0) } }
        unsafe arguments.append(nil)
        var id: pid_t = 0
        let error = unsafe posix_spawnp(&id, "setpriv", &actions, nil, arguments, environ)
        guard error == 0 else { throw BenchError("cannot start \(words[0]): error \(error)") }
        self.id = id
    }

    deinit { stop() }

    /// Whether the process still runs.
    var isRunning: Bool {
        if status == nil {
            var value: Int32 = 0
            var usage = rusage()
            if unsafe wait4(id, &value, WNOHANG, &usage) == id {
                status = value
                for time in [usage.ru_utime, usage.ru_stime] {
                    cpuSeconds += Double(time.tv_sec) + Double(time.tv_usec) / 1e6
                }
            }
        }
        return status == nil
    }

    /// Waits for the end; true if it came by itself, within `seconds` and with success.
    func waitForSuccess(seconds: Double) -> Bool {
        wait(seconds: seconds) && status == 0
    }

    /// Ends the process: TERM, and KILL for one that does not listen.
    func stop() {
        guard isRunning else { return }
        kill(id, SIGTERM)
        if wait(seconds: 5) { return }
        kill(id, SIGKILL)
        _ = wait(seconds: 5)
    }

    private func wait(seconds: Double) -> Bool {
        for _ in 0..<Int(seconds * 200) where isRunning { usleep(5_000) }
        return !isRunning
    }
}
