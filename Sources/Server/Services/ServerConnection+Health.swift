// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Engine
internal import GRPC
internal import Wire

/// `grpc.health.v1.Health`.
extension ServerConnection {
    func checkHealth(_ call: Call) {
        guard let request = healthRequest(call) else { return }
        guard let status = context.health.status(of: request.service) else {
            return refuse(call, EngineError(.notFound, "service: there is none of that name"))
        }
        session.reply(
            call, message: HealthV1.HealthCheckResponse(status: status).encodedBytes().span)
        finish(call, .ok)
    }

    func watchHealth(_ call: Call) {
        guard let request = healthRequest(call) else { return }
        let status = context.health.status(of: request.service) ?? .serviceUnknown
        session.reply(
            call, message: HealthV1.HealthCheckResponse(status: status).encodedBytes().span)
        guard context.health.isServing else {
            return refuse(call, EngineError(.unavailable, "the server is draining"))
        }
        streams[call.id] = .healthWatch(service: request.service)
    }

    /// Tells those who watch that the server drains, and ends their calls.
    func endHealthWatches() {
        for (id, stream) in streams {
            guard case .healthWatch(let service) = stream, let call = session.call(id) else {
                continue
            }
            if let status = context.health.status(of: service) {
                session.reply(
                    call, message: HealthV1.HealthCheckResponse(status: status).encodedBytes().span)
            }
            refuse(call, EngineError(.unavailable, "the server is draining"))
        }
    }

    private func healthRequest(_ call: Call) -> HealthV1.HealthCheckRequest? {
        do throws(WireError) {
            return try HealthV1.HealthCheckRequest(decoding: call.message)
        } catch {
            refuse(call, EngineError(.malformed, "HealthCheckRequest: \(error)"))
            return nil
        }
    }
}
