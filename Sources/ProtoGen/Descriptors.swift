// SPDX-License-Identifier: Apache-2.0

internal import Wire

/// The parts of descriptor.proto and plugin.proto that the generator looks at.
struct GeneratorRequest {
    var filesToGenerate: [String] = []
    var files: [FileDescriptor] = []

    init(_ bytes: Span<UInt8>) throws(WireError) {
        var reader = WireReader(bytes)
        while let tag = try reader.next() {
            switch (tag.field, tag.type) {
            case (1, .lengthDelimited): filesToGenerate.append(try reader.string())
            case (15, .lengthDelimited): files.append(try FileDescriptor(reader.span()))
            default: try reader.skip(tag)
            }
        }
    }
}

/// A proto file.
struct FileDescriptor {
    var name = ""
    var package = ""
    var dependencies: [String] = []
    var messages: [MessageDescriptor] = []
    var enums: [EnumDescriptor] = []
    var services: [ServiceDescriptor] = []
    var syntax = ""
    /// Comments by the path of what they stand at.
    var comments: [[Int32]: String] = [:]
    /// The serialized descriptor without its comments.
    var serialized: [UInt8] = []

    init(_ bytes: Span<UInt8>) throws(WireError) {
        var reader = WireReader(bytes)
        var start = 0
        while let tag = try reader.next() {
            switch tag.field {
            case 1: name = try reader.string()
            case 2: package = try reader.string()
            case 3: dependencies.append(try reader.string())
            case 4: messages.append(try MessageDescriptor(reader.span()))
            case 5: enums.append(try EnumDescriptor(reader.span()))
            case 6: services.append(try ServiceDescriptor(reader.span()))
            case 9: try readComments(reader.span())
            case 12: syntax = try reader.string()
            default: try reader.skip(tag)
            }
            if tag.field != 9 {
                for index in start..<reader.position { serialized.append(bytes[index]) }
            }
            start = reader.position
        }
    }

    private mutating func readComments(_ bytes: Span<UInt8>) throws(WireError) {
        var reader = WireReader(bytes)
        while let tag = try reader.next() {
            guard tag.field == 1 else {
                try reader.skip(tag)
                continue
            }
            var path: [Int32] = []
            var leading = ""
            var trailing = ""
            var location = try reader.nested()
            while let tag = try location.next() {
                switch tag.field {
                case 1:
                    var packed = try location.packed()
                    while !packed.isAtEnd { path.append(try packed.int32()) }
                case 3: leading = try location.string()
                case 4: trailing = try location.string()
                default: try location.skip(tag)
                }
            }
            let comment = leading.isEmpty ? trailing : leading
            if !comment.isEmpty { comments[path] = comment }
        }
    }
}

/// A message, or the entry of a map.
struct MessageDescriptor {
    var name = ""
    var fields: [FieldDescriptor] = []
    var messages: [MessageDescriptor] = []
    var enums: [EnumDescriptor] = []
    var oneofs: [String] = []
    var isMapEntry = false

    init(_ bytes: Span<UInt8>) throws(WireError) {
        var reader = WireReader(bytes)
        while let tag = try reader.next() {
            switch tag.field {
            case 1: name = try reader.string()
            case 2: fields.append(try FieldDescriptor(reader.span()))
            case 3: messages.append(try MessageDescriptor(reader.span()))
            case 4: enums.append(try EnumDescriptor(reader.span()))
            case 7:
                var options = try reader.nested()
                while let tag = try options.next() {
                    if tag.field == 7 {
                        isMapEntry = try options.bool()
                    } else {
                        try options.skip(tag)
                    }
                }
            case 8:
                var oneof = try reader.nested()
                while let tag = try oneof.next() {
                    if tag.field == 1 {
                        oneofs.append(try oneof.string())
                    } else {
                        try oneof.skip(tag)
                    }
                }
            default: try reader.skip(tag)
            }
        }
    }
}

/// A field of a message.
struct FieldDescriptor {
    var name = ""
    var number: UInt32 = 0
    var isRepeated = false
    var type = FieldType.group
    var typeName = ""
    var oneof: Int?
    var isOptional = false
    /// Whether a repeated scalar is written in one run; `[packed = false]` turns it off.
    var isPacked = true

    init(_ bytes: Span<UInt8>) throws(WireError) {
        var reader = WireReader(bytes)
        while let tag = try reader.next() {
            switch tag.field {
            case 1: name = try reader.string()
            case 3: number = try reader.uint32()
            case 4: isRepeated = try reader.int32() == 3
            case 5: type = FieldType(rawValue: try reader.int32()) ?? .group
            case 6: typeName = try reader.string()
            case 8:
                var options = try reader.nested()
                while let tag = try options.next() {
                    if tag.field == 2 {
                        isPacked = try options.bool()
                    } else {
                        try options.skip(tag)
                    }
                }
            case 9: oneof = Int(try reader.int32())
            case 17: isOptional = try reader.bool()
            default: try reader.skip(tag)
            }
        }
        if isOptional { oneof = nil }
    }
}

/// The type of a field, by its number in descriptor.proto.
enum FieldType: Int32 {
    case double = 1
    case float = 2
    case int64 = 3
    case uint64 = 4
    case int32 = 5
    case fixed64 = 6
    case fixed32 = 7
    case bool = 8
    case string = 9
    case group = 10
    case message = 11
    case bytes = 12
    case uint32 = 13
    case enumeration = 14
    case sfixed32 = 15
    case sfixed64 = 16
    case sint32 = 17
    case sint64 = 18
}

/// An enum.
struct EnumDescriptor {
    var name = ""
    var values: [(name: String, number: Int32)] = []

    init(_ bytes: Span<UInt8>) throws(WireError) {
        var reader = WireReader(bytes)
        while let tag = try reader.next() {
            switch tag.field {
            case 1: name = try reader.string()
            case 2:
                var value = (name: "", number: Int32(0))
                var nested = try reader.nested()
                while let tag = try nested.next() {
                    switch tag.field {
                    case 1: value.name = try nested.string()
                    case 2: value.number = try nested.int32()
                    default: try nested.skip(tag)
                    }
                }
                values.append(value)
            default: try reader.skip(tag)
            }
        }
    }
}

/// A service and its methods.
struct ServiceDescriptor {
    struct Method {
        var name = ""
        var request = ""
        var response = ""
        var clientStreams = false
        var serverStreams = false
    }

    var name = ""
    var methods: [Method] = []

    init(_ bytes: Span<UInt8>) throws(WireError) {
        var reader = WireReader(bytes)
        while let tag = try reader.next() {
            switch tag.field {
            case 1: name = try reader.string()
            case 2:
                var method = Method()
                var nested = try reader.nested()
                while let tag = try nested.next() {
                    switch tag.field {
                    case 1: method.name = try nested.string()
                    case 2: method.request = String(try nested.string().dropFirst())
                    case 3: method.response = String(try nested.string().dropFirst())
                    case 5: method.clientStreams = try nested.bool()
                    case 6: method.serverStreams = try nested.bool()
                    default: try nested.skip(tag)
                    }
                }
                methods.append(method)
            default: try reader.skip(tag)
            }
        }
    }
}
