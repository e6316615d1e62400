// SPDX-License-Identifier: Apache-2.0

/// The sessions that the ticker tells of: as many as a person can read, spread over all.
struct FollowedSessions {
    /// Sessions that are followed at most.
    static let countMax = 60

    private let stride: Int

    init(of sessions: Int) {
        stride = max(1, (sessions + Self.countMax - 1) / Self.countMax)
    }

    /// Whether the ticker tells of the session of that number, counted from 1.
    func contains(_ session: Int) -> Bool {
        session % stride == 0
    }
}
