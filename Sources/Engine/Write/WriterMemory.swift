// SPDX-License-Identifier: Apache-2.0

internal import Features

/// The memory that rows are merged in; only the writer's thread uses it.
@safe final class WriterMemory: Sendable {
    private final class Box {
        var scratch = RowScratch()
    }

    // Safe: `withScratch` is called by commands while the writer applies them, on its one thread.
    nonisolated(unsafe) private let box = Box()

    /// Lends the scratch memory.
    func withScratch<Result, Failure: Error>(
        _ body: (inout RowScratch) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe body(&box.scratch)
    }
}
