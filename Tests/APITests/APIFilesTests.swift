// SPDX-License-Identifier: Apache-2.0

import API
import Testing
import Wire

@Suite struct APIFilesTests {
    @Test func `imports come before importers`() {
        var seen: Set<String> = []
        for file in APIFiles.all {
            for dependency in file.dependencies { #expect(seen.contains(dependency)) }
            seen.insert(file.name)
        }
        #expect(seen.count == APIFiles.all.count)
    }

    @Test func `a descriptor names its file and package`() throws {
        for file in APIFiles.all {
            var reader = WireReader(file.descriptor.span)
            var name = ""
            var package = ""
            while let tag = try reader.next() {
                switch tag.field {
                case 1: name = try reader.string()
                case 2: package = try reader.string()
                default: try reader.skip(tag)
                }
            }
            #expect(name == file.name)
            #expect(!package.isEmpty)
            #expect(file.symbols.allSatisfy { $0.hasPrefix(package + ".") })
        }
    }

    @Test func `every message, service and method can be found by its name`() {
        for type in APIFiles.messages {
            #expect(APIFiles.file(declaring: type.protoName) != nil)
        }
        for service in APIFiles.services {
            let file = APIFiles.file(declaring: service.name)
            #expect(file != nil)
            for method in service.methods {
                let name = method.path.split(separator: "/").joined(separator: ".")
                #expect(APIFiles.file(declaring: name)?.name == file?.name)
                #expect(APIFiles.messages.contains { $0.protoName == method.request })
                #expect(APIFiles.messages.contains { $0.protoName == method.response })
            }
        }
        #expect(APIFiles.file(declaring: "kassa.v1.Nothing") == nil)
        #expect(
            APIFiles.file(declaring: "grpc.health.v1.HealthCheckResponse.ServingStatus")
                .map(\.name) == "grpc/health/v1/health.proto")
    }

    @Test func `methods know their path and what streams`() {
        let score = KassaV1.ScoringService.score
        #expect(score.path == "/kassa.v1.Scoring/Score")
        #expect(!score.clientStreams && !score.serverStreams)
        let upload = KassaV1.ModelsService.upload
        #expect(upload.clientStreams && !upload.serverStreams)
        #expect(HealthV1.HealthService.watch.serverStreams)
        #expect(ReflectionV1Alpha.ServerReflectionService.serverReflectionInfo.clientStreams)
    }
}
