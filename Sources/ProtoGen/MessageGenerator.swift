// SPDX-License-Identifier: Apache-2.0

/// Generates a message: a struct with its properties, its field numbers and its coding.
struct MessageGenerator {
    let message: MessageDescriptor
    let fullName: String
    let path: [Int32]
    let file: FileGenerator
    private let fields: [FieldGenerator]

    init(
        _ message: MessageDescriptor, _ fullName: String, path: [Int32], _ file: FileGenerator
    ) throws(UnsupportedProto) {
        self.message = message
        self.fullName = fullName
        self.path = path
        self.file = file
        var fields: [FieldGenerator] = []
        for field in message.fields {
            fields.append(try FieldGenerator(field, file.generator, fullName))
        }
        self.fields = fields
    }

    func add(to text: inout SwiftText) throws(UnsupportedProto) {
        for field in fields where field.isOptional && field.field.oneof == nil {
            guard !file.generator.embeds(field.field.typeName, fullName) else {
                throw UnsupportedProto(
                    description: "\(fullName).\(field.field.name): a message cannot hold itself")
            }
        }
        text.doc(comment(at: [], or: "The message `\(fullName.dropFirst())`."))
        try text.block("@usableFromInline package struct \(message.name): WireMessage, Equatable") {
            text throws(UnsupportedProto) in
            text.doc("The message's full name in the proto file.")
            text.line(
                "@usableFromInline package static var protoName: String { \"\(fullName.dropFirst())\" }"
            )
            addFieldNumbers(to: &text)
            for (index, enumeration) in message.enums.enumerated() {
                text.line()
                EnumGenerator(
                    enumeration: enumeration, path: path + [4, Int32(index)], file: file.file,
                    fullName: "\(fullName.dropFirst()).\(enumeration.name)"
                ).add(to: &text)
            }
            for (index, nested) in message.messages.enumerated() where !nested.isMapEntry {
                text.line()
                try MessageGenerator(
                    nested, "\(fullName).\(nested.name)", path: path + [3, Int32(index)], file
                ).add(to: &text)
            }
            for index in message.oneofs.indices { addOneof(index, to: &text) }
            addProperties(to: &text)
            addInitializers(to: &text)
            addReading(to: &text)
            addWriting(to: &text)
        }
    }

    private func comment(at suffix: [Int32], or fallback: String) -> String {
        FileGenerator.comment(in: file.file, at: path + suffix, or: fallback)
    }

    private func fields(of oneof: Int) -> [FieldGenerator] {
        fields.filter { $0.field.oneof == oneof }
    }

    /// A stored property: a field outside of oneofs, or a whole oneof.
    private struct Property {
        var name: String
        var type: String
        var defaultValue: String
        var comment: String
    }

    private var properties: [Property] {
        var seen: Set<Int> = []
        var properties: [Property] = []
        for (index, field) in fields.enumerated() {
            if let oneof = field.field.oneof {
                guard seen.insert(oneof).inserted else { continue }
                let name = message.oneofs[oneof]
                properties.append(
                    Property(
                        name: Naming.property(name), type: "\(Naming.upperCamel(name))?",
                        defaultValue: "nil",
                        comment: comment(at: [8, Int32(oneof)], or: "The oneof `\(name)`.")))
            } else {
                properties.append(
                    Property(
                        name: field.property, type: field.propertyType,
                        defaultValue: field.defaultValue,
                        comment: comment(
                            at: [2, Int32(index)], or: "The field `\(field.field.name)`.")))
            }
        }
        return properties
    }

    private func addFieldNumbers(to text: inout SwiftText) {
        guard !fields.isEmpty else { return }
        text.line()
        text.doc("The numbers of the message's fields.")
        text.block("@usableFromInline package enum Field") { text in
            for field in fields {
                text.doc("The number of `\(field.field.name)`.")
                text.line(
                    "@inlinable package static var \(field.property): UInt32 { "
                        + "\(field.field.number) }")
            }
        }
    }

    private func addOneof(_ index: Int, to text: inout SwiftText) {
        let fields = fields(of: index)
        guard !fields.isEmpty else { return }
        text.line()
        text.doc(
            comment(
                at: [8, Int32(index)], or: "What `\(message.oneofs[index])` may be: one of these."))
        let name = Naming.upperCamel(message.oneofs[index])
        text.block("package enum \(name): Equatable, Sendable") { text in
            for field in fields {
                let position = message.fields.firstIndex { $0.number == field.field.number } ?? 0
                text.doc(comment(at: [2, Int32(position)], or: "The field `\(field.field.name)`."))
                let isRecursive =
                    field.field.type == .message
                    && file.generator.embeds(field.field.typeName, fullName)
                text.line(
                    "\(isRecursive ? "indirect " : "")case \(field.property)(\(field.swiftType))")
            }
        }
    }

    private func addProperties(to text: inout SwiftText) {
        for property in properties {
            text.line()
            text.doc(property.comment)
            text.line("package var \(property.name): \(property.type) = \(property.defaultValue)")
        }
    }

    private func addInitializers(to text: inout SwiftText) {
        text.line()
        text.doc("A message whose fields have their default values.")
        text.line("@usableFromInline package init() {}")
        guard !fields.isEmpty else { return }
        text.line()
        text.doc("A message with these fields; the others have their default values.")
        let properties = properties
        text.line("package init(")
        for (index, property) in properties.enumerated() {
            let comma = index < properties.count - 1 ? "," : ""
            text.line(
                "    \(property.name): \(property.type) = \(property.defaultValue)\(comma)")
        }
        text.block(")") { text in
            for property in properties { text.line("self.\(property.name) = \(property.name)") }
        }
    }

    private func addReading(to text: inout SwiftText) {
        text.line()
        text.doc("Reads fields until `reader` ends.")
        text.line("@usableFromInline")
        text.block("package mutating func merge(from reader: inout WireReader) throws(WireError)") {
            text in
            guard !fields.isEmpty else {
                text.line("try reader.skipRest()")
                return
            }
            text.block("while let tag = try reader.next()") { text in
                text.line("switch tag.rawValue {")
                for field in fields {
                    field.addReading(
                        to: &text,
                        oneof: field.field.oneof.map { Naming.property(message.oneofs[$0]) })
                }
                text.line("default: try reader.skip(tag)")
                text.line("}")
            }
        }
    }

    private func addWriting(to text: inout SwiftText) {
        text.line()
        text.doc(
            "Writes the fields that differ from their defaults, in the order of their numbers.")
        text.line("@usableFromInline")
        text.block("package func encode(into writer: inout WireWriter)") { text in
            var seen: Set<Int> = []
            for field in fields.sorted(by: { $0.field.number < $1.field.number }) {
                guard let oneof = field.field.oneof else {
                    field.addWriting(to: &text)
                    continue
                }
                guard seen.insert(oneof).inserted else { continue }
                text.line("switch self.\(Naming.property(message.oneofs[oneof])) {")
                for field in fields(of: oneof) {
                    text.line("case .\(field.property)(let value)?: \(field.writing("value"))")
                }
                text.line("case nil: break")
                text.line("}")
            }
        }
    }
}
