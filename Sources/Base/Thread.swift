// SPDX-License-Identifier: Apache-2.0

internal import CBase
internal import Glibc

/// An operating-system thread that runs one closure and is joined.
///
/// Kassa's work is cut by thread, not by task: an event loop, the LMDB writer and the control
/// thread each stay on the thread that they began on. It takes no signals: those are for the thread that
/// waits for them.
package struct Thread: Sendable {
    private let handle: pthread_t

    /// Starts a thread called `name` (15 bytes show in `top`) that runs `body`.
    ///
    /// Where the system gives none, the process says so and ends: nothing here can go on with fewer, and
    /// what was acknowledged survives it.
    package init(name: String, _ body: @escaping @Sendable () -> Void) {
        let start = Start(name: name, body: body)
        var handle = pthread_t()
        // Safe: the closure takes over the one reference that is passed here.
        let status = unsafe pthread_create(
            &handle, nil,
            { argument in
                let start = unsafe Unmanaged<Start>.fromOpaque(argument!).takeRetainedValue()
                var all = sigset_t()
                unsafe sigfillset(&all)
                unsafe pthread_sigmask(SIG_BLOCK, &all, nil)
                unsafe kassa_name_this_thread(String(start.name.prefix(15)))
                start.body()
                return nil
            }, Unmanaged.passRetained(start).toOpaque())
        if status != 0 { Self.endForWantOf(name, status) }
        self.handle = handle
    }

    private static func endForWantOf(_ name: String, _ status: Int32) -> Never {
        let why = unsafe String(cString: strerror(status))
        let line = Array(
            "kassa: no thread \"\(name)\" could be started: \(why); raise ulimit -v and -u\n".utf8)
        // Safe: the bytes are valid during the call.
        _ = unsafe line.withUnsafeBytes { unsafe write(STDERR_FILENO, $0.baseAddress, $0.count) }
        _exit(1)
    }

    /// Whether the caller runs on this thread; meaningless once it was joined.
    package var isCurrent: Bool {
        pthread_equal(pthread_self(), handle) != 0
    }

    /// Waits until the closure has returned. To be called once.
    package func join() {
        let status = pthread_join(handle, nil)
        precondition(status == 0, "a thread is joined once")
    }

    private final class Start: Sendable {
        let name: String
        let body: @Sendable () -> Void

        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }
}
