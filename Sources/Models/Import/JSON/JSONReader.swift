// SPDX-License-Identifier: Apache-2.0

/// A pull reader of JSON (RFC 8259) that distrusts every byte.
///
/// The caller asks for the value that its schema wants next and skips what it does not know; no tree
/// of values is built, so memory is what the caller keeps. Refused: more than `ImportLimits`, the
/// same key twice in an object, numbers that overflow, bad UTF-8 in a string that is read, and
/// anything after the end.
///
/// ```swift
/// var reader = JSONReader(bytes)
/// try reader.enterObject()
/// while try reader.nextKey() {
///     if reader.keyIs("version") { version = try reader.integer(in: 1...3) } else { try reader.skip() }
/// }
/// try reader.finish()
/// ```
struct JSONReader: PullReader, ~Escapable {
    let bytes: Span<UInt8>
    /// Offset of the next unread byte.
    var position = 0
    /// The key that `nextKey` found, decoded.
    var key: [UInt8] = []
    /// The open objects and arrays.
    private var scopes: [Scope] = []
    private var keys = KeyLog()

    private struct Scope {
        var isObject: Bool
        var isFirst = true
        var keysMark: Int
    }

    @_lifetime(copy bytes)
    init(_ bytes: Span<UInt8>) {
        self.bytes = bytes
    }

    /// The next byte that is not white space, without consuming it; nil at the end.
    mutating func peek() -> UInt8? {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            default: return bytes[position]
            }
        }
        return nil
    }

    /// Consumes the `{` of an object.
    mutating func enterObject() throws(ImportError) {
        try open(UInt8(ascii: "{"), isObject: true)
    }

    /// Consumes the `[` of an array.
    mutating func enterArray() throws(ImportError) {
        try open(UInt8(ascii: "["), isObject: false)
    }

    /// Moves to the next member's value and leaves its key in `key`; false once the object is closed.
    mutating func nextKey() throws(ImportError) -> Bool {
        guard try nextItem(closer: UInt8(ascii: "}")) else { return false }
        key = try decodeString(keep: true)
        let scope = scopes[scopes.count - 1]
        guard try keys.insert(key, since: scope.keysMark) else {
            throw refuse("a key appears twice in its object")
        }
        try consume(UInt8(ascii: ":"))
        return true
    }

    /// Moves to the next element; false once the array is closed.
    mutating func nextElement() throws(ImportError) -> Bool {
        try nextItem(closer: UInt8(ascii: "]"))
    }

    /// The kind of the next value, by its first character.
    mutating func nextKind() -> ValueKind? {
        switch peek() {
        case nil: nil
        case UInt8(ascii: "{"): .object
        case UInt8(ascii: "["): .array
        case UInt8(ascii: "\""): .string
        case UInt8(ascii: "t"), UInt8(ascii: "f"): .boolean
        case UInt8(ascii: "n"): .null
        default: .number
        }
    }

    /// Passes over one value of any kind, checking its form.
    ///
    /// Recursion is bounded by the nesting limit.
    mutating func skip() throws(ImportError) {
        switch nextKind() {
        case .object:
            try enterObject()
            while try nextKey() { try skip() }
        case .array:
            try enterArray()
            while try nextElement() { try skip() }
        case .string: _ = try decodeString(keep: false)
        case .boolean: _ = try boolean()
        case .null: try consumeWord("null")
        case .number, nil: try skipNumber()
        }
    }

    /// True or false.
    mutating func boolean() throws(ImportError) -> Bool {
        if peek() == UInt8(ascii: "t") {
            try consumeWord("true")
            return true
        }
        guard peek() == UInt8(ascii: "f") else { throw refuse("expected true or false") }
        try consumeWord("false")
        return false
    }

    /// Checks that nothing but white space follows.
    mutating func finish() throws(ImportError) {
        guard peek() == nil else { throw refuse("more follows the end of the document") }
    }

    /// An error at the place reached.
    func refuse(_ problem: String) -> ImportError {
        .syntax(offset: position, problem: problem)
    }

    /// Consumes white space and then `byte`.
    mutating func consume(_ byte: UInt8) throws(ImportError) {
        guard let next = peek() else { throw refuse("the file ends too early") }
        guard next == byte else { throw refuse("expected '\(Character(UnicodeScalar(byte)))'") }
        position += 1
    }

    private mutating func open(_ byte: UInt8, isObject: Bool) throws(ImportError) {
        try consume(byte)
        guard scopes.count < ImportLimits.nestingMax else {
            throw refuse("nested deeper than \(ImportLimits.nestingMax)")
        }
        scopes.append(Scope(isObject: isObject, keysMark: keys.mark))
    }

    private mutating func nextItem(closer: UInt8) throws(ImportError) -> Bool {
        let scope = scopes.count - 1
        precondition(scope >= 0)
        precondition(scopes[scope].isObject == (closer == UInt8(ascii: "}")))
        if peek() == closer {
            position += 1
            keys.forget(since: scopes[scope].keysMark)
            scopes.removeLast()
            return false
        }
        if scopes[scope].isFirst {
            scopes[scope].isFirst = false
            return true
        }
        try consume(UInt8(ascii: ","))
        guard peek() != closer else { throw refuse("a comma before the end of the list") }
        return true
    }

    mutating func consumeWord(_ word: String) throws(ImportError) {
        for byte in word.utf8 {
            guard position < bytes.count, bytes[position] == byte else {
                throw refuse("expected \(word)")
            }
            position += 1
        }
    }
}
