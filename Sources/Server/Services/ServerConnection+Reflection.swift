// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Engine
internal import GRPC
internal import Wire

/// `grpc.reflection`: the two versions of the protocol have the same messages, byte for byte.
extension ServerConnection {
    func reflect(_ call: Call) {
        let request: ReflectionV1.ServerReflectionRequest
        do throws(WireError) {
            request = try ReflectionV1.ServerReflectionRequest(decoding: call.message)
        } catch {
            return refuse(call, EngineError(.malformed, "ServerReflectionRequest: \(error)"))
        }
        let response = ReflectionV1.ServerReflectionResponse(
            validHost: request.host, originalRequest: request,
            messageResponse: Self.response(to: request.messageRequest))
        session.reply(call, message: response.encodedBytes().span)
    }

    private typealias Response = ReflectionV1.ServerReflectionResponse.MessageResponse

    private static func response(
        to request: ReflectionV1.ServerReflectionRequest.MessageRequest?
    ) -> Response {
        switch request {
        case .listServices:
            return .listServicesResponse(
                ReflectionV1.ListServiceResponse(
                    service: RPC.services.map { ReflectionV1.ServiceResponse(name: $0.name) }))
        case .fileByFilename(let name):
            return files(from: APIFiles.file(named: name))
        case .fileContainingSymbol(let symbol):
            return files(from: APIFiles.file(declaring: symbol))
        case .fileContainingExtension, .allExtensionNumbersOfType:
            return error(.notFound, "the API has no extensions")
        case nil:
            return error(.invalidArgument, "message_request is missing")
        }
    }

    /// A file and everything that it imports.
    private static func files(from file: APIFile?) -> Response {
        guard let file else { return error(.notFound, "there is no such file or symbol") }
        var found = [file]
        var index = 0
        while index < found.count {
            for name in found[index].dependencies where !found.contains(where: { $0.name == name })
            {
                if let dependency = APIFiles.file(named: name) { found.append(dependency) }
            }
            index += 1
        }
        return .fileDescriptorResponse(
            ReflectionV1.FileDescriptorResponse(fileDescriptorProto: found.map(\.descriptor)))
    }

    private static func error(_ status: Status, _ message: String) -> Response {
        .errorResponse(
            ReflectionV1.ErrorResponse(
                errorCode: Int32(status.rawValue), errorMessage: message))
    }
}
