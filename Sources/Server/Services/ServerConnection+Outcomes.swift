// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Base
internal import Engine
internal import GRPC
internal import Transport
internal import Wire

/// `Scoring.RecordOutcome` and `GetCalibration`.
extension ServerConnection {
    func recordOutcomes(_ call: Call, _ now: Timestamp) {
        let ticket = ticket(call)
        do throws(EngineError) {
            try context.expectAnswer()
            do throws(EngineError) {
                try context.engine.recordOutcomes(call.message, at: now) {
                    [answers = context.answers!] result in
                    let outcome: Answer.Outcome =
                        switch result {
                        case .success(let response): .reply(response.encodedBytes())
                        case .failure(let error): .refusal(error)
                        }
                    _ = answers.post(Answer(ticket: ticket, outcome: outcome))
                }
            } catch {
                context.expectNoAnswer()
                throw error
            }
        } catch {
            refuse(call, error)
        }
    }

    func getCalibration(_ call: Call) {
        do throws(WireError) {
            let request = try KassaV1.GetCalibrationRequest(decoding: call.message)
            submit(call) { engine throws(EngineError) in
                try engine.calibration(request).encodedBytes()
            }
        } catch {
            refuse(call, EngineError(.malformed, "GetCalibrationRequest: \(error)"))
        }
    }
}
