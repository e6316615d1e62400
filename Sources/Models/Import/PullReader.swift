// SPDX-License-Identifier: Apache-2.0

/// A document of objects, arrays and scalars, read by asking for the value that is wanted next.
///
/// JSON and UBJSON describe the same documents, so what is known about a format's keys is written
/// once against this. No tree of values is built.
protocol PullReader: ~Escapable {
    /// The key that `nextKey` found, decoded.
    var key: [UInt8] { get }

    mutating func enterObject() throws(ImportError)
    /// Moves to the next member's value; false once the object is closed.
    mutating func nextKey() throws(ImportError) -> Bool
    mutating func enterArray() throws(ImportError)
    /// Moves to the next element; false once the array is closed.
    mutating func nextElement() throws(ImportError) -> Bool
    /// The kind of the value that comes next, without consuming it; nil if there is none.
    mutating func nextKind() -> ValueKind?

    mutating func string() throws(ImportError) -> String
    mutating func integer(in range: ClosedRange<Int>) throws(ImportError) -> Int
    /// A finite number, correctly rounded to float32.
    mutating func float() throws(ImportError) -> Float
    /// A number that may also be written as not being one.
    mutating func floatOrNaN() throws(ImportError) -> Float
    mutating func boolean() throws(ImportError) -> Bool
    /// Passes over one value of any kind, checking its form.
    mutating func skip() throws(ImportError)
    /// Checks that nothing follows.
    mutating func finish() throws(ImportError)
}

/// What a value is, as far as its first byte tells.
enum ValueKind {
    case object
    case array
    case string
    case boolean
    case null
    case number
}

extension PullReader where Self: ~Escapable {
    /// Whether the last key is `name`.
    func keyIs(_ name: StaticString) -> Bool {
        // Safe: the literal's bytes live as long as the program.
        let bytes = unsafe UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
        return unsafe key.elementsEqual(bytes)
    }
}
