// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Files
import Glibc
import Rollout
import Store
import Synchronization
import Testing

@testable import Engine

/// Brakes that are pulled, or are not to be, while something else is under way.
struct `A brake` {
    private func brake(_ engine: Engine, _ scorer: String = "abandonment") throws -> Brake {
        try #require(engine.published.current.rollouts.scorers[scorer]).brake
    }

    private func verbs(_ engine: Engine) throws -> [String] {
        try engine.rolloutHistory(KassaV1.RolloutHistoryRequest(scorer: "abandonment"))
            .transitions.map(\.verb)
    }

    @Test func `whose note no disk takes is noted again, and that is to be seen`() throws {
        let folder = TemporaryFolder()
        try withShop(in: folder) { engine, _ in
            try engine.canary(100)
            let path = "\(folder.path)/retreats"
            try Files.remove("\(path).spare")
            // Folders in the places of both files: nothing can be written there.
            for name in [path, "\(path).spare"] { try Files.makeFolder(name) }
            try brake(engine).pull(.rollBack)
            engine.noteBrakes()
            let isMissing = engine.isNoteMissing.load(ordering: .relaxed)
            #expect(isMissing)
            for name in [path, "\(path).spare"] { #expect(unsafe rmdir(name) == 0) }
            engine.noteBrakes()
            let isStillMissing = engine.isNoteMissing.load(ordering: .relaxed)
            #expect(!isStillMissing)
            #expect(try Files.names(in: folder.path).contains("retreats"))
        }
    }
}
