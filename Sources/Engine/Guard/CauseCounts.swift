// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Rollout

/// Of how many entities something was the matter, for one rollout: what convicts, by feature, error and time.
///
/// It explains and decides nothing: a verdict follows from ``Evidence`` alone. Fixed bounds; counting what
/// was seen before allocates nothing.
struct CauseCounts {
    /// Features and errors; times are in `times`.
    private var rows: [KassaV1.GuardCause] = []
    /// By the number of a cause its places in `rows`; nil for one that was not met.
    private var placesOfNumbers: [[Int]?]
    /// Misses of the objective of the reference and the one on trial, by ``TimeBucket``.
    private var times: [[UInt64]]

    init() {
        placesOfNumbers = Array(repeating: nil, count: CauseLimits.numbersMax + 1)
        times = Array(
            repeating: [UInt64](repeating: 0, count: TimeBucket.count), count: 2)
    }

    /// Goes on from what was stored.
    init(_ stored: [KassaV1.GuardCause]) {
        self.init()
        for cause in stored {
            if cause.microseconds > 0 {
                times[cause.candidate ? 1 : 0][TimeBucket.of(cause.microseconds)] &+= cause.entities
            } else if hasRoom(like: cause) {
                rows.append(cause)
            }
        }
    }

    /// Counts an entity whose event had the cause with that number.
    mutating func count(_ number: UInt8, of event: BadEvent, _ cause: () -> GuardCause?) {
        guard number > 0 else { return }
        if placesOfNumbers[Int(number)] == nil {
            placesOfNumbers[Int(number)] = cause().map { places(of: $0) } ?? []
        }
        guard let places = placesOfNumbers[Int(number)], let first = places.first,
            rows[first].event == EvidenceComponent(event).name
        else { return }
        for place in places { rows[place].entities &+= 1 }
    }

    /// Counts an entity whose score took so long.
    mutating func count(microseconds: UInt64, ofTrial isTrial: Bool) {
        times[isTrial ? 1 : 0][TimeBucket.of(microseconds)] &+= 1
    }

    /// All that was counted: by event, the model's on trial first, the most frequent first.
    var all: [KassaV1.GuardCause] {
        var all = rows.filter { $0.entities > 0 }
        for (isTrial, counts) in [(true, times[1]), (false, times[0])] {
            for (bucket, count) in counts.enumerated() where count > 0 {
                all.append(
                    KassaV1.GuardCause(
                        event: EvidenceComponent.sloMisses.name, candidate: isTrial,
                        microseconds: TimeBucket.middle(of: bucket), entities: count))
            }
        }
        return all.sorted { $0.rank < $1.rank }
    }

    private mutating func places(of cause: GuardCause) -> [Int] {
        let event = EvidenceComponent(cause.event).name
        var wanted = cause.features.map {
            KassaV1.GuardCause(
                event: event, candidate: cause.isTrial, feature: $0.name,
                status: KassaV1.Status(rawValue: Int32($0.status)))
        }
        if !cause.error.isEmpty {
            wanted = [
                KassaV1.GuardCause(event: event, candidate: cause.isTrial, error: cause.error)
            ]
        }
        return wanted.compactMap { row in
            if let known = rows.firstIndex(where: { $0.isSame(as: row) }) { return known }
            guard hasRoom(like: row) else { return nil }
            rows.append(row)
            return rows.count - 1
        }
    }

    private func hasRoom(like row: KassaV1.GuardCause) -> Bool {
        rows.count { $0.event == row.event && $0.candidate == row.candidate } < CauseLimits.rowsMax
    }
}

/// Times in buckets, four to each doubling.
enum TimeBucket {
    /// How many there are: a time beyond the last one is in it.
    static let count = 128

    /// The bucket of a time in microseconds.
    static func of(_ microseconds: UInt64) -> Int {
        let time = max(4, microseconds)
        let octave = 63 - time.leadingZeroBitCount
        return min(count - 1, octave * 4 + Int((time >> (UInt64(octave) - 2)) & 3))
    }

    /// The time in the middle of a bucket, from 4 microseconds on within an eighth of all that are in it.
    static func middle(of bucket: Int) -> UInt64 {
        let octave = UInt64(max(bucket, 8) / 4)
        let quarter = (UInt64(1) << octave) / 4
        return (4 + UInt64(bucket % 4)) * quarter + quarter / 2
    }
}

extension KassaV1.GuardCause {
    fileprivate func isSame(as other: Self) -> Bool {
        event == other.event && candidate == other.candidate && feature == other.feature
            && status == other.status && error == other.error && microseconds == other.microseconds
    }

    /// What it is sorted by.
    fileprivate var rank: (String, Int, UInt64, String, String) {
        (event, candidate ? 0 : 1, .max - entities, feature, error)
    }
}
