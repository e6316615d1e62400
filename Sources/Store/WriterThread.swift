// SPDX-License-Identifier: Apache-2.0

internal import CLMDB
internal import Glibc

/// Starts the OS thread of a writer.
enum WriterThread {
    private final class Start {
        let body: () -> Void
        let name: String

        init(name: String, body: @escaping () -> Void) {
            self.name = name
            self.body = body
        }
    }

    /// Runs `body` on a new thread named `name`, which somebody must join. `pthread_create`.
    static func start(
        name: String, _ body: @escaping @Sendable () -> Void
    ) throws(StoreError) -> pthread_t {
        let start = unsafe Unmanaged.passRetained(Start(name: name, body: body))
        var identifier = pthread_t()
        // Safe: the new thread takes over the one reference that was retained for it.
        let code = unsafe pthread_create(
            &identifier, nil,
            { context in
                let start = unsafe Unmanaged<Start>.fromOpaque(context!).takeRetainedValue()
                unsafe kassa_store_name_this_thread(start.name)
                start.body()
                return nil
            }, start.toOpaque())
        guard code == 0 else {
            unsafe start.release()
            throw .unexpected(LMDBCode(rawValue: code), call: "pthread_create")
        }
        return identifier
    }
}
