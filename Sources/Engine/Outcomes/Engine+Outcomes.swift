// SPDX-License-Identifier: Apache-2.0

package import API
package import Base
internal import Glibc
internal import Rollout
internal import Store
internal import Synchronization
internal import Wire

/// `Scoring.RecordOutcome` and `GetCalibration`.
extension Engine {
    /// Checks a `RecordOutcomeRequest` and queues it.
    ///
    /// `completion` is called once, on the writer's thread, after the labels were committed (FAST: they
    /// survive a crash of the process); at once, if the request has no outcome.
    ///
    /// - Throws: why the request as a whole is refused; then nothing is stored and `completion` is never
    ///   called. `resourceExhausted` when too many requests wait.
    package func recordOutcomes(
        _ message: Span<UInt8>, at now: Timestamp,
        completion: @escaping @Sendable (OutcomeResult) -> Void
    ) throws(EngineError) {
        let request: KassaV1.RecordOutcomeRequest
        do throws(WireError) {
            request = try KassaV1.RecordOutcomeRequest(decoding: message)
        } catch {
            throw EngineError(.malformed, "RecordOutcomeRequest: \(error)")
        }
        guard request.outcomes.count <= OutcomeLimits.outcomesMax else {
            throw EngineError(
                .invalidArgument,
                "outcomes: more than \(OutcomeLimits.outcomesMax) in one request")
        }
        var reports: [RecordOutcomes.Report] = []
        reports.reserveCapacity(request.outcomes.count)
        for (index, outcome) in request.outcomes.enumerated() {
            guard let id = ScoreID(hexadecimal: outcome.scoreId) else {
                throw EngineError(
                    .invalidArgument,
                    "outcomes[\(index)].score_id: must be the 32 hexadecimal digits of a reply")
            }
            guard let label = outcome.label else {
                throw EngineError(.invalidArgument, "outcomes[\(index)].label: must be given")
            }
            reports.append(
                RecordOutcomes.Report(
                    id: id, label: label,
                    microseconds: outcome.atUs == 0 ? now.microseconds : outcome.atUs))
        }
        guard !reports.isEmpty else { return completion(.success(.init())) }
        try outcomes.submit(
            RecordOutcomes(
                reports, receivedAt: now.microseconds, outcomes, completion: completion))
    }

    /// How well the models in a scorer's slots agree with outcomes so far.
    ///
    /// - Throws: `notFound` for a scorer that there is none of.
    package func calibration(
        _ request: KassaV1.GetCalibrationRequest
    ) throws(EngineError) -> KassaV1.GetCalibrationResponse {
        guard let spec = published.current.scorerSpec(request.scorer) else {
            throw EngineError(.notFound, "scorer: there is none of that name")
        }
        let lane = OutcomeLane(spec)
        do throws(StoreError) {
            return try environment.read { transaction throws(StoreError) in
                var response = KassaV1.GetCalibrationResponse()
                let key = LaneState.key(lane.number)
                if let bytes = try transaction.value(forKey: key.span, in: tables.calibrations),
                    let state = LaneState(bytes)
                {
                    response.recordedScores = state.keptCount
                    response.openScores = state.openCount
                }
                let book = CalibrationBook(tables: tables)
                for slot in CalibrationBook.slots {
                    let found = try book.calibration(
                        lane: lane.number, slot: UInt8(slot.rawValue), in: transaction)
                    if let found {
                        response.slots.append(KassaV1.SlotCalibration(found, in: slot))
                    }
                }
                return response
            }
        } catch {
            throw EngineError(error)
        }
    }

    /// Looks after recorded scores and rollouts in the background.
    package func startGuard() {
        guardThread.withLock { thread in
            if thread == nil { thread = GuardThread(outcomes, guards) }
        }
    }

    /// One turn of the guard thread, on the calling one, as of `now`; returns when all is stored.
    ///
    /// For tests, which set the clock. Not while ``startGuard()``'s thread runs.
    package func guardTurn(at now: Timestamp) {
        guards.turn(at: .now())
        // What matures is looked for in the store: what is in the rings has to be there first.
        outcomes.turn(at: now, seesToMaturity: false)
        while !outcomes.isSettled { usleep(50) }
        repeat {
            outcomes.turn(at: now, seesToMaturity: true)
            while !outcomes.isSettled { usleep(50) }
        } while outcomes.isMaturingDue
    }
}

extension KassaV1.SlotCalibration {
    fileprivate init(_ found: SlotCalibration, in slot: KassaV1.Slot) {
        let calibration = found.calibration
        self.init(
            slot: slot,
            bundlePrefix: (0..<8).map {
                UInt8(truncatingIfNeeded: found.bundle >> UInt64(56 - 8 * $0))
            },
            labels: calibration.labels, positives: calibration.positives,
            refusedLabels: calibration.refusedLabels, brier: calibration.brierScore,
            logLoss: calibration.logLoss,
            observedOverExpected: calibration.observedOverExpected,
            expectedCalibrationError: calibration.expectedCalibrationError)
    }
}
