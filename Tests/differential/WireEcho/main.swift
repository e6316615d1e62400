// SPDX-License-Identifier: Apache-2.0
//
// WireEcho: what the differential test drives. It reads records from standard input, decodes each as
// the message that it names and writes back the message encoded again, or why it was refused.
//
// A record is two runs of bytes, each after its length in four little-endian bytes: the message's
// full name, and its encoding. A reply is one byte (1 accepted, 0 refused), then one such run.
// With the argument "descriptors" it writes the served file descriptors instead, each as such a run.

internal import API
internal import Glibc
internal import Wire

/// Decodes `bytes` as a `Message` and appends what it encodes to.
func echo<Message: WireMessage>(
    _ type: Message.Type, _ bytes: Span<UInt8>, into writer: inout WireWriter
) throws(WireError) {
    let message = try Message(decoding: bytes)
    let again = try Message(decoding: bytes)
    let start = writer.count
    message.encode(into: &writer)
    var second = WireWriter(capacity: writer.count - start)
    again.encode(into: &second)
    precondition(second.count == writer.count - start, "two encodings differ in length")
    for index in 0..<second.count {
        precondition(second.bytes[index] == writer.bytes[start + index], "two encodings differ")
    }
}

/// Reads all of standard input.
func readInput() -> [UInt8] {
    var bytes: [UInt8] = []
    while true {
        let chunk = unsafe [UInt8](unsafeUninitializedCapacity: 1 << 20) { buffer, count in
            // Safe: read() stays within the buffer it is given.
            unsafe count = max(0, read(STDIN_FILENO, buffer.baseAddress, buffer.count))
        }
        if chunk.isEmpty { return bytes }
        bytes += chunk
    }
}

/// Writes all of `bytes` to standard output.
func writeOutput(_ bytes: Span<UInt8>) {
    var written = 0
    while written < bytes.count {
        // Safe: write() reads within the buffer it is given.
        let count = unsafe bytes.withUnsafeBufferPointer { buffer in
            unsafe write(STDOUT_FILENO, buffer.baseAddress! + written, buffer.count - written)
        }
        precondition(count > 0)
        written += count
    }
}

func run() {
    var types: [String: any WireMessage.Type] = [:]
    for type in APIFiles.messages { types[type.protoName] = type }
    let input = readInput()
    var position = 0
    /// The next run of bytes after its length.
    func next() -> Int {
        let length = Int(input.span.loadUInt32(at: position))
        position += 4 + length
        return length
    }
    var output = WireWriter(capacity: input.count)
    var writer = WireWriter()
    while position < input.count {
        let nameCount = next()
        let name = String(decoding: input[position - nameCount..<position], as: UTF8.self)
        let count = next()
        let bytes = input.span.extracting(position - count..<position)
        writer.removeAll()
        var failure: String?
        if let type = types[name] {
            do {
                try echo(type, bytes, into: &writer)
            } catch {
                failure = error.description
            }
        } else {
            failure = "no such message"
        }
        output.append(failure == nil ? 1 : 0)
        if let failure {
            output.littleEndian(UInt32(failure.utf8.count))
            output.append(failure.utf8Span.span)
        } else {
            output.littleEndian(UInt32(writer.count))
            output.append(writer.bytes)
        }
    }
    writeOutput(output.bytes)
}

/// Writes every file descriptor of the API after its length.
func writeDescriptors() {
    var output = WireWriter()
    for file in APIFiles.all {
        output.littleEndian(UInt32(file.descriptor.count))
        output.append(file.descriptor.span)
    }
    writeOutput(output.bytes)
}

if CommandLine.arguments.dropFirst().first == "descriptors" {
    writeDescriptors()
} else {
    run()
}
