// SPDX-License-Identifier: Apache-2.0

/// A pull reader of UBJSON (draft 12, <https://ubjson.org>) that distrusts every byte.
///
/// Numbers are big-endian. An array may state its count (`#`) and the one type of its elements
/// (`$`); a count is believed only if the bytes that are left can hold it. Objects with a count,
/// high-precision numbers and typed arrays of anything but numbers are refused.
struct UBJSONReader: PullReader, ~Escapable {
    let bytes: Span<UInt8>
    /// Offset of the next unread byte.
    var position = 0
    /// The key that `nextKey` found.
    var key: [UInt8] = []
    private var scopes: [Scope] = []
    private var keys = KeyLog()

    private struct Scope {
        var isObject: Bool
        /// Elements not yet asked for; nil if the array ends at a `]`.
        var remaining: Int?
        /// The marker that all elements share and none has.
        var elementMarker: UInt8?
        var keysMark: Int
    }

    @_lifetime(copy bytes)
    init(_ bytes: Span<UInt8>) {
        self.bytes = bytes
    }

    mutating func enterObject() throws(ImportError) {
        try open(UInt8(ascii: "{"), "an object")
        if let next = peekByte(), next == UInt8(ascii: "#") || next == UInt8(ascii: "$") {
            throw refuse("an object with a count")
        }
        scopes.append(Scope(isObject: true, keysMark: keys.mark))
    }

    mutating func nextKey() throws(ImportError) -> Bool {
        let scope = scopes.count - 1
        precondition(scope >= 0)
        precondition(scopes[scope].isObject)
        skipPadding()
        guard let next = peekByte() else { throw refuse("the file ends too early") }
        if next == UInt8(ascii: "}") {
            position += 1
            keys.forget(since: scopes[scope].keysMark)
            scopes.removeLast()
            return false
        }
        key = try textBytes()
        guard try keys.insert(key, since: scopes[scope].keysMark) else {
            throw refuse("a key appears twice in its object")
        }
        return true
    }

    mutating func enterArray() throws(ImportError) {
        try open(UInt8(ascii: "["), "an array")
        var scope = Scope(isObject: false, keysMark: keys.mark)
        if peekByte() == UInt8(ascii: "$") {
            position += 1
            guard let marker = peekByte(), let width = UBJSONReader.width(of: marker), width > 0
            else { throw refuse("a typed array of something other than numbers") }
            position += 1
            guard peekByte() == UInt8(ascii: "#") else {
                throw refuse("expected the count of a typed array")
            }
            scope.elementMarker = marker
            scope.remaining = try count(width: width)
        } else if peekByte() == UInt8(ascii: "#") {
            scope.remaining = try count(width: 1)
        }
        scopes.append(scope)
    }

    mutating func nextElement() throws(ImportError) -> Bool {
        let scope = scopes.count - 1
        precondition(scope >= 0)
        precondition(!scopes[scope].isObject)
        if let remaining = scopes[scope].remaining {
            guard remaining > 0 else {
                scopes.removeLast()
                return false
            }
            scopes[scope].remaining = remaining - 1
            return true
        }
        skipPadding()
        guard let next = peekByte() else { throw refuse("the file ends too early") }
        guard next == UInt8(ascii: "]") else { return true }
        position += 1
        scopes.removeLast()
        return false
    }

    mutating func nextKind() -> ValueKind? {
        switch peekMarker() {
        case nil: nil
        case UInt8(ascii: "{"): .object
        case UInt8(ascii: "["): .array
        case UInt8(ascii: "S"), UInt8(ascii: "C"), UInt8(ascii: "H"): .string
        case UInt8(ascii: "T"), UInt8(ascii: "F"): .boolean
        case UInt8(ascii: "Z"): .null
        default: .number
        }
    }

    /// Recursion is bounded by the nesting limit.
    mutating func skip() throws(ImportError) {
        switch nextKind() {
        case .object:
            try enterObject()
            while try nextKey() { try skip() }
        case .array:
            try enterArray()
            if let scope = scopes.last, let marker = scope.elementMarker,
                let count = scope.remaining
            {
                // The count was checked against the bytes that are left.
                position += count * (UBJSONReader.width(of: marker) ?? 0)
                scopes[scopes.count - 1].remaining = 0
            }
            while try nextElement() { try skip() }
        case .string:
            _ = try takeMarker()
            _ = try textBytes()
        case .boolean: _ = try boolean()
        case .null: _ = try takeMarker()
        case .number, nil: _ = try number()
        }
    }

    mutating func finish() throws(ImportError) {
        skipPadding()
        guard position == bytes.count else { throw refuse("more follows the end of the document") }
    }

    /// An error at the place reached.
    func refuse(_ problem: String) -> ImportError {
        .syntax(offset: position, problem: problem)
    }

    func peekByte() -> UInt8? {
        position < bytes.count ? bytes[position] : nil
    }

    /// The marker of the next value: its own, or the one that its array states.
    private mutating func peekMarker() -> UInt8? {
        if let scope = scopes.last, let marker = scope.elementMarker { return marker }
        skipPadding()
        return peekByte()
    }

    /// Consumes the marker of the next value.
    mutating func takeMarker() throws(ImportError) -> UInt8 {
        guard let marker = peekMarker() else { throw refuse("the file ends too early") }
        if scopes.last?.elementMarker == nil { position += 1 }
        return marker
    }

    private mutating func open(_ marker: UInt8, _ what: String) throws(ImportError) {
        guard let next = peekMarker() else { throw refuse("the file ends too early") }
        guard next == marker else { throw refuse("expected \(what)") }
        guard scopes.count < ImportLimits.nestingMax else {
            throw refuse("nested deeper than \(ImportLimits.nestingMax)")
        }
        position += 1
    }

    /// Consumes `#` and a count of elements that take `width` bytes or more.
    private mutating func count(width: Int) throws(ImportError) -> Int {
        position += 1
        let count = try length()
        guard count <= (bytes.count - position) / width else {
            throw refuse("an array of \(count) elements does not fit in the file")
        }
        return count
    }

    /// `N` means nothing and may stand anywhere between values.
    private mutating func skipPadding() {
        while position < bytes.count, bytes[position] == UInt8(ascii: "N") { position += 1 }
    }
}
