// SPDX-License-Identifier: Apache-2.0

/// The Swift of one field: its type, its default, and how it is read and written.
struct FieldGenerator {
    let field: FieldDescriptor
    let swiftType: String
    let property: String
    let isMap: Bool

    init(_ field: FieldDescriptor, _ generator: Generator, _ owner: String) throws(UnsupportedProto)
    {
        self.field = field
        property = Naming.property(field.name)
        let place = "\(owner).\(field.name)"
        var isMap = false
        switch field.type {
        case .double: swiftType = "Double"
        case .float: swiftType = "Float"
        case .int64, .sint64, .sfixed64: swiftType = "Int64"
        case .int32, .sint32, .sfixed32: swiftType = "Int32"
        case .uint64, .fixed64: swiftType = "UInt64"
        case .uint32, .fixed32: swiftType = "UInt32"
        case .bool: swiftType = "Bool"
        case .string: swiftType = "String"
        case .bytes: swiftType = "[UInt8]"
        case .group: throw UnsupportedProto(description: "\(place): unknown field type")
        case .message, .enumeration:
            if let entry = generator.messages[field.typeName], entry.isMapEntry {
                guard entry.fields.allSatisfy({ $0.type == .string }) else {
                    throw UnsupportedProto(description: "\(place): only map<string, string>")
                }
                isMap = true
                swiftType = "[String: String]"
            } else if let name = generator.swiftNames[field.typeName] {
                swiftType = name
            } else {
                throw UnsupportedProto(description: "\(place): unknown type \(field.typeName)")
            }
        }
        self.isMap = isMap
    }

    /// Whether the field may be absent, and is nil then.
    var isOptional: Bool { field.isOptional || (field.type == .message && !field.isRepeated) }

    /// The property's type.
    var propertyType: String {
        if isMap { return swiftType }
        if field.isRepeated { return "[\(swiftType)]" }
        return isOptional ? "\(swiftType)?" : swiftType
    }

    /// The property's default.
    var defaultValue: String {
        if isMap { return "[:]" }
        if field.isRepeated { return "[]" }
        return isOptional ? "nil" : scalarDefault
    }

    private var scalarDefault: String {
        switch field.type {
        case .bool: "false"
        case .string: "\"\""
        case .bytes: "[]"
        case .enumeration: "\(swiftType)(rawValue: 0)"
        default: "0"
        }
    }

    /// The name of the reader's and writer's verb.
    private var verb: String {
        switch field.type {
        case .enumeration: "enumeration"
        default: "\(field.type)"
        }
    }

    private var readVerb: String { field.type == .bytes ? "byteArray" : verb }

    private var wireType: UInt32 {
        switch field.type {
        case .double, .fixed64, .sfixed64: 1
        case .float, .fixed32, .sfixed32: 5
        case .string, .bytes, .message, .group: 2
        default: 0
        }
    }

    private var tag: UInt32 { field.number << 3 | wireType }

    /// The cases of the switch over tags that read the field.
    func addReading(to text: inout SwiftText, oneof: String?) {
        if isMap {
            text.line("case \(tag): try reader.mapEntry(into: &self.\(property))")
        } else if field.isRepeated {
            text.line("case \(tag): self.\(property).append(try reader.\(readVerb)())")
            guard wireType != 2 else { return }
            text.line(
                "case \(field.number << 3 | 2): try reader.packed(\(verb): &self.\(property))")
        } else if let oneof {
            guard field.type == .message else {
                text.line("case \(tag): self.\(oneof) = .\(property)(try reader.\(readVerb)())")
                return
            }
            text.line("case \(tag):")
            text.line("    var message = \(swiftType)()")
            text.line(
                "    if case .\(property)(let earlier)? = self.\(oneof) { message = earlier }")
            text.line("    self.\(oneof) = nil")
            text.line("    try reader.merge(into: &message)")
            text.line("    self.\(oneof) = .\(property)(message)")
        } else if field.type == .message {
            text.line("case \(tag): try reader.merge(into: &self.\(property))")
        } else {
            text.line("case \(tag): self.\(property) = try reader.\(readVerb)()")
        }
    }

    /// The statement that writes `value`, which is there.
    func writing(_ value: String) -> String { "writer.\(verb)(\(field.number), \(value))" }

    /// The statement that writes the property.
    func addWriting(to text: inout SwiftText) {
        if isMap {
            text.line("writer.map(\(field.number), self.\(property))")
        } else if field.isRepeated {
            if wireType != 2 && field.isPacked {
                text.line("writer.packed(\(field.number), \(verb): self.\(property))")
            } else {
                text.line("for element in self.\(property) { \(writing("element")) }")
            }
        } else if isOptional {
            text.line("if let value = self.\(property) { \(writing("value")) }")
        } else {
            text.line("if \(differsFromDefault) { \(writing("self.\(property)")) }")
        }
    }

    private var differsFromDefault: String {
        switch field.type {
        case .bool: "self.\(property)"
        case .string, .bytes: "!self.\(property).isEmpty"
        case .enumeration: "self.\(property).rawValue != 0"
        case .double, .float: "self.\(property).bitPattern != 0"
        default: "self.\(property) != 0"
        }
    }
}
