// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Engine
import GRPC
import Testing
import Wire

@testable import Server

struct `Control work` {
    @Test func `what is in force is told while a change is under way`() throws {
        let desk = try Desk()
        let gate = desk.occupyControlThread()
        desk.call(.apply, tag: 1, applyCart)
        desk.call(.listDocuments, tag: 2, KassaV1.ListRequest().encodedBytes())
        desk.call(.listModels, tag: 3, KassaV1.ListModelsRequest().encodedBytes())
        desk.call(.getModel, tag: 4, KassaV1.GetModelRequest(model: "m").encodedBytes())
        desk.call(
            .getDocument, tag: 5,
            KassaV1.GetRequest(kind: "scorer", name: "s").encodedBytes())
        #expect(desk.statuses == [2: .ok, 3: .ok, 4: .notFound, 5: .notFound])
        gate.open()
        desk.control.stop()
        #expect(desk.engine.epoch == 1)
    }

    @Test func `a change that was cancelled before its turn is not begun`() throws {
        let desk = try Desk()
        let gate = desk.occupyControlThread()
        let id = try #require(desk.call(.apply, tag: 1, applyCart))
        desk.client.cancel(id)
        desk.run()
        #expect(desk.statuses == [1: .cancelled])
        gate.open()
        desk.control.stop()
        #expect(desk.engine.epoch == 0)
    }

    @Test func `a change whose connection went before its turn is not begun`() throws {
        let desk = try Desk()
        let gate = desk.occupyControlThread()
        desk.call(.apply, tag: 1, applyCart)
        desk.connection.closed()
        gate.open()
        desk.control.stop()
        #expect(desk.engine.epoch == 0)
    }

    @Test func `a change whose deadline passed before its turn is not begun`() throws {
        let desk = try Desk()
        let gate = desk.occupyControlThread()
        desk.call(.apply, tag: 1, applyCart, timeoutNanoseconds: 1_000_000_000)
        desk.wait(seconds: 0.9)
        #expect(desk.statuses.isEmpty)
        desk.wait(seconds: 0.2)
        #expect(desk.statuses == [1: .deadlineExceeded])
        gate.open()
        desk.control.stop()
        #expect(desk.engine.epoch == 0)
    }

    @Test func `an answer for nobody leaves its call open`() throws {
        let desk = try Desk()
        let gate = desk.occupyControlThread()
        desk.call(.apply, tag: 1, applyCart)
        for (id, _) in desk.connection.streams {
            let ticket = Ticket(connection: desk.connection.id, call: id)
            desk.connection.take(Answer(ticket: ticket, outcome: .nothing), now: desk.now)
        }
        desk.run()
        #expect(desk.connection.streams.count == 1)
        #expect(desk.statuses.isEmpty)
        gate.open()
        desk.control.stop()
    }

    @Test func `as many changes wait as the limit says, and no more`() throws {
        let desk = try Desk()
        let gate = desk.occupyControlThread()
        // The thread has taken the first job once a second one fits beside a full queue.
        var count = 0
        while count < ControlThread.queueLengthMax {
            if desk.control.submit({}) { count += 1 }
        }
        desk.call(.apply, tag: 1, applyCart)
        // Either the thread had taken its job, and the queue is full, or one place was left.
        if desk.statuses.isEmpty { desk.call(.apply, tag: 2, applyCart) }
        #expect(desk.statuses.values.contains(.resourceExhausted))
        gate.open()
        desk.control.stop()
    }

    @Test func `a watch that begins during a drain ends at once`() throws {
        let desk = try Desk()
        desk.context.health.drain()
        let request = HealthV1.HealthCheckRequest().encodedBytes()
        let id = try #require(desk.open(.healthWatch, tag: 1, request))
        desk.client.halfClose(id)
        desk.run()
        #expect(desk.statuses == [1: .unavailable])
        let reply = try #require(desk.replies[1]?.first)
        let status = try HealthV1.HealthCheckResponse(decoding: reply.span).status
        #expect(status == .notServing)
        desk.control.stop()
    }

    @Test func `a process is ready between its start and its drain, while its store is writable`() {
        let health = Health()
        #expect(health.unreadiness(writeRefusal: nil) == "starting")
        health.start()
        #expect(health.unreadiness(writeRefusal: nil) == nil)
        #expect(health.unreadiness(writeRefusal: "read-only") == "read-only")
        health.drain()
        #expect(health.unreadiness(writeRefusal: nil) == "draining")
    }
}
