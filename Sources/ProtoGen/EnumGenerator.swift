// SPDX-License-Identifier: Apache-2.0

/// Generates an open enum: a struct around its number.
struct EnumGenerator {
    let enumeration: EnumDescriptor
    let path: [Int32]
    let file: FileDescriptor
    let fullName: String

    func add(to text: inout SwiftText) {
        let name = enumeration.name
        text.doc(FileGenerator.comment(in: file, at: path, or: "The enum `\(fullName)`."))
        text.block("@usableFromInline package struct \(name): WireEnum") { text in
            text.doc("The value's number, known or not.")
            text.line("@usableFromInline package var rawValue: Int32")
            text.line()
            text.doc("The value with this number, whether it has a name or not.")
            text.line("@inlinable package init(rawValue: Int32) { self.rawValue = rawValue }")
            text.line()
            for (index, value) in enumeration.values.enumerated() {
                let comment = FileGenerator.comment(
                    in: file, at: path + [2, Int32(index)], or: "")
                text.doc("`\(value.name)`" + (comment.isEmpty ? "." : ": \(comment)"))
                text.line(
                    "@inlinable package static var \(Naming.enumValue(value.name, of: name)): "
                        + "\(name) { \(name)(rawValue: \(value.number)) }")
            }
            text.line()
            text.doc("The value's name in the proto file, or its number where it has none.")
            text.block("@usableFromInline package var name: String") { text in
                text.line("switch rawValue {")
                var named: Set<Int32> = []
                for value in enumeration.values where named.insert(value.number).inserted {
                    text.line("case \(value.number): \"\(value.name)\"")
                }
                text.line("default: \"\\(rawValue)\"")
                text.line("}")
            }
        }
    }
}
