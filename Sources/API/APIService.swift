// SPDX-License-Identifier: Apache-2.0

/// A gRPC service of the API.
package struct APIService: Sendable {
    /// The full name, "kassa.v1.Scoring".
    package let name: String
    /// The methods, in the order of the proto file.
    package let methods: [APIMethod]
}

/// A method of a gRPC service.
package struct APIMethod: Sendable {
    /// The request path, "/kassa.v1.Scoring/Score".
    package let path: String
    /// Whether the client sends a stream of messages.
    package let clientStreams: Bool
    /// Whether the server sends a stream of messages.
    package let serverStreams: Bool
    /// The full name of the request message, "kassa.v1.ScoreRequest".
    package let request: String
    /// The full name of the response message.
    package let response: String
}
