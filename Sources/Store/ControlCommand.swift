// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import Glibc
internal import Synchronization

/// A control-plane change that some thread waits for: durable, and alone in its transaction.
final class ControlCommand<Result: Sendable>: WriteCommand {
    typealias Body =
        @Sendable (_ transaction: inout WriteTransaction, _ sequence: UInt64) throws -> Result

    private enum Progress: Sendable {
        case waiting
        case applied(Result)
        case failed(any Error)
        case committed(Result)
    }

    let durability = Durability.durable
    let recordCount = 1
    let byteCount = 0
    let needsOwnTransaction = true
    private let body: Body
    private let progress = Mutex<Progress>(.waiting)
    private let done = Semaphore()

    init(_ body: @escaping Body) {
        self.body = body
    }

    func apply(in transaction: inout WriteTransaction, sequence: UInt64) throws(StoreError) {
        do {
            let result = try body(&transaction, sequence)
            progress.withLock { $0 = .applied(result) }
        } catch {
            progress.withLock { $0 = .failed(error) }
            throw error as? StoreError ?? .rejected
        }
    }

    func completed(_ outcome: WriteOutcome) {
        progress.withLock {
            switch (outcome, $0) {
            case (.committed, .applied(let result)): $0 = .committed(result)
            case (.failed(.rejected), .failed): break
            case (.failed(let error), _): $0 = .failed(error)
            case (.committed, _): preconditionFailure("committed without having been applied")
            }
        }
        done.signal()
    }

    /// Waits until the change is committed and synced, or has failed.
    func wait() throws -> Result {
        done.wait()
        return try progress.withLock {
            switch $0 {
            case .committed(let result): return result
            case .failed(let error): throw error
            case .waiting, .applied: preconditionFailure("woken before the end")
            }
        }
    }
}
