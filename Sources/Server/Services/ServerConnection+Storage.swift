// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Base
internal import Engine
internal import GRPC
internal import Wire

/// `Storage`: what is quick is done by the control thread, what is long by a thread of its own.
extension ServerConnection {
    func storage(_ call: Call, _ rpc: RPC, _ now: Timestamp) {
        do throws(WireError) {
            switch rpc {
            case .storeStats:
                _ = try KassaV1.StoreStatsRequest(decoding: call.message)
                submit(call) { engine in engine.storeStatistics().encodedBytes() }
            case .verifyStore:
                let request = try KassaV1.VerifyStoreRequest(decoding: call.message)
                submit(call) { engine throws(EngineError) in
                    try engine.verifyStore(request).encodedBytes()
                }
            case .snapshotStore:
                let request = try KassaV1.SnapshotStoreRequest(decoding: call.message)
                submit(call, to: .long) { engine throws(EngineError) in
                    try engine.snapshotStore(request, at: now).encodedBytes()
                }
            default:
                preconditionFailure("no method of the storage service")
            }
        } catch {
            refuse(call, EngineError(.malformed, "\(rpc.method.request): \(error)"))
        }
    }
}
