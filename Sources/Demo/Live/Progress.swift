// SPDX-License-Identifier: Apache-2.0

/// Says at every tenth how far the demo is.
struct Progress {
    private let sessions: Int
    private var told = 0

    init(sessions: Int) {
        self.sessions = sessions
    }

    /// The line to print when `ended` sessions are over; nil but once in a tenth.
    mutating func line(ended: Int, scores: Int, writes: Int) -> String? {
        let tenth = ended * 10 / sessions
        guard tenth > told, tenth < 10 else { return nil }
        told = tenth
        return "── \(Text.count(ended)) of \(Text.count(sessions)) sessions over, "
            + "\(Text.count(writes)) writes, \(Text.count(scores)) scores"
    }
}
