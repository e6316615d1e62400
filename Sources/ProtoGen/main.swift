// SPDX-License-Identifier: Apache-2.0
//
// ProtoGen: the protoc plugin that writes Sources/API/Generated.
//
// It reads a CodeGeneratorRequest from standard input and writes a CodeGeneratorResponse to standard
// output, both with Wire. One Swift file comes out per proto file, and `APIFiles+All.swift`, which
// declares a namespace per package and lists the files. It knows proto3 as far as Kassa uses it and
// refuses the rest by name (groups, recursion without an array or oneof, maps of other types).
//
// ```sh
// protoc --plugin=protoc-gen-kassa=.build/debug/ProtoGen --kassa_out=Sources/API/Generated -Iproto ...
// ```

internal import Glibc
internal import Wire

/// Reads all of standard input.
func readStandardInput() -> [UInt8] {
    var bytes: [UInt8] = []
    while true {
        let chunk = unsafe [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, count in
            // Safe: read() stays within the buffer it is given.
            unsafe count = max(0, read(STDIN_FILENO, buffer.baseAddress, buffer.count))
        }
        if chunk.isEmpty { return bytes }
        bytes += chunk
    }
}

/// Writes all of `bytes` to standard output.
func writeStandardOutput(_ bytes: Span<UInt8>) {
    var written = 0
    while written < bytes.count {
        // Safe: write() reads within the buffer it is given.
        let count = unsafe bytes.withUnsafeBufferPointer { buffer in
            unsafe write(STDOUT_FILENO, buffer.baseAddress! + written, buffer.count - written)
        }
        guard count > 0 else { exit(1) }
        written += count
    }
}

var response = WireWriter(capacity: 1 << 20)
response.uint64(2, 1)  // supported_features: FEATURE_PROTO3_OPTIONAL
do {
    let input = readStandardInput()
    let request = try GeneratorRequest(input.span)
    for file in try Generator(request).files() {
        response.nested(15) { response in
            response.string(1, file.name)
            response.string(15, file.content)
        }
    }
} catch {
    response.string(1, "\(error)")
}
writeStandardOutput(response.bytes)
