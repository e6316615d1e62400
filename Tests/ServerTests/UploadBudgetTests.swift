// SPDX-License-Identifier: Apache-2.0

import Engine
import Testing

@testable import Server

struct `The budget of uploads` {
    @Test func `a share is taken until the last who holds it lets go`() throws {
        let budget = UploadBudget()
        var share: UploadBudget.Share? = try budget.take(UploadBudget.byteCountMax)
        let verification = share
        #expect(throws: EngineError.self) { try budget.take(1) }
        // The call is cancelled; the control thread still has the bytes.
        share = nil
        #expect(share == nil)
        #expect(throws: EngineError.self) { try budget.take(1) }
        withExtendedLifetime(verification) {}
    }

    @Test func `what is given back can be taken again, and no more than there is`() throws {
        let budget = UploadBudget()
        do { _ = try budget.take(UploadBudget.byteCountMax) }
        let half = try budget.take(UploadBudget.byteCountMax / 2)
        #expect(throws: EngineError.self) { try budget.take(UploadBudget.byteCountMax / 2 + 1) }
        let rest = try budget.take(UploadBudget.byteCountMax / 2)
        withExtendedLifetime((half, rest)) {}
    }
}
