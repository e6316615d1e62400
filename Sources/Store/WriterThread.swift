// SPDX-License-Identifier: Apache-2.0

internal import CLMDB
internal import Glibc

/// Starts the OS thread of a writer.
enum WriterThread {
    /// Runs `body` on a new thread named `name`, which somebody must join. `pthread_create`.
    ///
    /// The thread takes no signals: those are for the threads that expect them.
    static func start(
        name: String, _ body: @escaping @Sendable () -> Void
    ) throws(StoreError) -> pthread_t {
        let start = unsafe Unmanaged.passRetained(Start(name: name, body: body))
        var identifier = pthread_t()
        // Safe: the new thread takes over the one reference that was retained for it.
        let code = unsafe pthread_create(&identifier, nil, enter, start.toOpaque())
        guard code == 0 else {
            unsafe start.release()
            throw .unexpected(LMDBCode(rawValue: code), call: "pthread_create")
        }
        return identifier
    }
}

/// What the new thread is to do.
private final class Start: Sendable {
    private let name: String
    private let body: @Sendable () -> Void

    init(name: String, body: @escaping @Sendable () -> Void) {
        self.name = name
        self.body = body
    }

    func run() {
        var all = sigset_t()
        // Safe: the pointers are to a local, and to a string that outlives the call.
        unsafe sigfillset(&all)
        unsafe pthread_sigmask(SIG_BLOCK, &all, nil)
        unsafe kassa_store_name_this_thread(name)
        body()
    }
}

/// The first function of the new thread.
private func enter(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    // Safe: `start` retained it for this thread.
    unsafe Unmanaged<Start>.fromOpaque(context!).takeRetainedValue().run()
    return nil
}
