// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Base
internal import Engine
internal import GRPC
internal import Transport
internal import Wire

/// `Generations`: changes on the control thread; a check reads on a thread of its own before.
extension ServerConnection {
    func generations(_ call: Call, _ rpc: RPC, _ now: Timestamp) {
        do throws(WireError) {
            switch rpc {
            case .beginGeneration:
                let request = try KassaV1.BeginGenerationRequest(decoding: call.message)
                submit(call) { engine throws(EngineError) in
                    try engine.beginGeneration(request, at: now).encodedBytes()
                }
            case .checkGeneration:
                check(call, try KassaV1.CheckGenerationRequest(decoding: call.message), now)
            case .switchGeneration:
                let request = try KassaV1.SwitchGenerationRequest(decoding: call.message)
                submit(call) { engine throws(EngineError) in
                    try engine.switchGeneration(request, at: now).encodedBytes()
                }
            case .rollBackGeneration:
                let request = try KassaV1.RollbackGenerationRequest(decoding: call.message)
                submit(call) { engine throws(EngineError) in
                    try engine.rollBackGeneration(request, at: now).encodedBytes()
                }
            case .discardGeneration:
                let request = try KassaV1.DiscardGenerationRequest(decoding: call.message)
                submit(call) { engine throws(EngineError) in
                    try engine.discardGeneration(request, at: now).encodedBytes()
                }
            case .listGenerations:
                let request = try KassaV1.ListGenerationsRequest(decoding: call.message)
                submit(call) { engine throws(EngineError) in
                    try engine.listGenerations(request).encodedBytes()
                }
            default:
                preconditionFailure("no method of generations")
            }
        } catch {
            refuse(call, EngineError(.malformed, "\(rpc.method.request): \(error)"))
        }
    }

    /// Reads all rows on the thread of checks, then keeps the verdict on the control thread, where no
    /// other change is under way. Exactly one answer is posted, whatever happens.
    private func check(
        _ call: Call, _ request: KassaV1.CheckGenerationRequest, _ now: Timestamp
    ) {
        let ticket = ticket(call)
        let deadline = call.deadline
        do throws(EngineError) {
            try context.expectAnswer()
            let isQueued = context.checks.submit {
                [engine = context.engine, control = context.control, answers = context.answers!] in
                @Sendable func answer(_ outcome: Answer.Outcome) {
                    _ = answers.post(Answer(ticket: ticket, outcome: outcome))
                }
                do throws(EngineError) {
                    guard MonotonicTime.now() < deadline else {
                        throw EngineError(.unavailable, "the deadline passed before it was begun")
                    }
                    let examination = try engine.examineGeneration(request)
                    let isKept = control.submit {
                        do throws(EngineError) {
                            let response = try engine.keep(examination, at: now)
                            answer(.reply(response.encodedBytes()))
                        } catch {
                            answer(.refusal(error))
                        }
                    }
                    guard isKept else { throw WorkQueue.busy }
                } catch {
                    answer(.refusal(error))
                }
            }
            if !isQueued {
                context.expectNoAnswer()
                throw WorkQueue.busy
            }
        } catch {
            refuse(call, error)
        }
    }
}
