// SPDX-License-Identifier: Apache-2.0

internal import Base

/// How old recorded scores are while the wall clock steps.
///
/// Scores carry wall time, because that outlives the process. A step ahead would make all of them older at once,
/// and what still waits for its outcome would be taken for a no, for good. So the step is taken back for as
/// long as something from before it may be young; then nothing is left that it could make older, and the
/// wall clock counts again. A step back makes scores mature later by as much, and nothing sooner. A restart knows
/// of no step.
struct AgeClock: Sendable {
    /// The wall clock is said to step if it goes off by more between two looks.
    static let toleranceMicroseconds: Int64 = 100_000

    private var lastWall: Int64?
    private var lastLook = MonotonicTime(nanoseconds: 0)
    /// By how much it was set ahead, and when last.
    private var leadMicroseconds: Int64 = 0
    private var steppedAt = MonotonicTime(nanoseconds: 0)

    /// Notices a step since the last look; to be called often.
    mutating func look(wall: Int64, at now: MonotonicTime) {
        defer {
            lastWall = wall
            lastLook = now
        }
        guard let lastWall else { return }
        let passed = Int64(clamping: now.nanoseconds(since: lastLook) / 1_000)
        let (moved, overflow) = wall.subtractingReportingOverflow(lastWall)
        let step = overflow ? 0 : moved.subtractingReportingOverflow(passed).partialValue
        guard step.magnitude > Self.toleranceMicroseconds else { return }
        let (lead, isTooMuch) = leadMicroseconds.addingReportingOverflow(step)
        leadMicroseconds = isTooMuch ? 0 : max(lead, 0)
        if step > 0 { steppedAt = now }
    }

    /// The wall time `wall` for whoever asks whether something is as old as `age` microseconds.
    func time(_ wall: Int64, forAge age: Int64, at now: MonotonicTime) -> Int64 {
        guard leadMicroseconds > 0, now.nanoseconds(since: steppedAt) / 1_000 < UInt64(age) else {
            return wall
        }
        return wall.subtractingReportingOverflow(leadMicroseconds).partialValue
    }
}
