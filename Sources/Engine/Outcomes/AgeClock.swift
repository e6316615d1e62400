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

    /// Leads that are kept apart; those before are taken for one, as young as the youngest of them.
    static let leadsMax = 32

    /// A step ahead that was not taken back by a step back since.
    private struct Lead {
        var microseconds: Int64
        var at: MonotonicTime
    }

    private var lastWall: Int64?
    private var lastLook = MonotonicTime(nanoseconds: 0)
    /// Oldest first.
    private var leads: [Lead] = []

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
        if step > 0 { add(Lead(microseconds: step, at: now)) } else { remove(step.magnitude) }
    }

    private mutating func add(_ lead: Lead) {
        leads.append(lead)
        guard leads.count > Self.leadsMax else { return }
        let oldest = leads.removeFirst()
        leads[0].microseconds = Self.sum(leads[0].microseconds, oldest.microseconds)
    }

    /// The newest go first: then what is left of those since any moment is no less than the clock has gone
    /// ahead since.
    private mutating func remove(_ microseconds: UInt64) {
        var rest = microseconds
        while rest > 0, let newest = leads.popLast() {
            let size = newest.microseconds.magnitude
            if size > rest {
                leads.append(Lead(microseconds: Int64(size - rest), at: newest.at))
            }
            rest -= min(rest, size)
        }
    }

    private static func sum(_ left: Int64, _ right: Int64) -> Int64 {
        let (sum, isTooMuch) = left.addingReportingOverflow(right)
        return isTooMuch ? .max : sum
    }

    /// The wall time `wall` for whoever asks whether something is as old as `age` microseconds.
    func time(_ wall: Int64, forAge age: Int64, at now: MonotonicTime) -> Int64 {
        // A lead from before whatever may be young makes nothing older.
        let ahead = leads.lazy.filter { now.nanoseconds(since: $0.at) / 1_000 < age.magnitude }
            .reduce(0) { Self.sum($0, $1.microseconds) }
        let (time, isTooEarly) = wall.subtractingReportingOverflow(ahead)
        return isTooEarly ? .min : time
    }
}
