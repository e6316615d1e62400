// SPDX-License-Identifier: Apache-2.0

/// A growable run of bytes that keeps its storage when emptied.
///
/// The one buffer of the request path: replies are encoded into it, frames are gathered in it. After
/// warm-up it has its final capacity, and no request allocates.
///
/// ```swift
/// var buffer = ByteBuffer(capacity: 4_096)
/// buffer.append(request.span)
/// send(buffer.bytes)
/// buffer.removeAll()
/// ```
@safe @usableFromInline package struct ByteBuffer: ~Copyable {
    @usableFromInline var storage: UnsafeMutablePointer<UInt8>

    /// Bytes that fit without growing.
    @usableFromInline package internal(set) var capacity: Int
    /// Bytes held.
    @usableFromInline package internal(set) var count = 0

    /// An empty buffer with room for `capacity` bytes.
    @usableFromInline package init(capacity: Int) {
        precondition(capacity >= 0)
        self.capacity = max(capacity, 16)
        unsafe storage = .allocate(capacity: self.capacity)
    }

    deinit {
        unsafe storage.deallocate()
    }

    /// Whether no byte is held.
    @inlinable
    package var isEmpty: Bool { count == 0 }

    /// The bytes held.
    @inlinable
    package var bytes: Span<UInt8> {
        @_lifetime(borrow self)
        get {
            // Safe: the storage lives as long as self, and `count` bytes of it are initialised.
            let span = unsafe Span(_unsafeStart: storage, count: count)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    /// The bytes held, to change in place.
    @inlinable
    package var mutableBytes: MutableSpan<UInt8> {
        @_lifetime(&self)
        mutating get {
            // Safe: as `bytes`, and exclusive because self is borrowed mutably.
            let span = unsafe MutableSpan(_unsafeStart: storage, count: count)
            return unsafe _overrideLifetime(span, mutating: &self)
        }
    }

    /// Forgets all bytes and keeps the storage.
    @inlinable
    package mutating func removeAll() {
        count = 0
    }

    /// Keeps the first `count` bytes only.
    @inlinable
    package mutating func truncate(to count: Int) {
        precondition(count >= 0 && count <= self.count)
        self.count = count
    }

    /// Removes the first `removed` bytes and moves the rest to the front.
    ///
    /// - Complexity: O(bytes that stay).
    package mutating func removeFirst(_ removed: Int) {
        precondition(removed >= 0 && removed <= count)
        // Safe: both ranges lie in the initialised part; the move allows overlap.
        unsafe storage.update(from: storage + removed, count: count - removed)
        count -= removed
    }

    /// Makes room for `additional` more bytes.
    @inlinable
    package mutating func reserve(_ additional: Int) {
        if capacity - count < additional { grow(by: additional) }
    }

    /// Appends one byte.
    @inlinable
    package mutating func append(_ byte: UInt8) {
        reserve(1)
        // Safe: reserve made room for it.
        unsafe (storage + count).initialize(to: byte)
        count += 1
    }

    /// Appends a copy of `bytes`.
    @inlinable
    package mutating func append(_ bytes: Span<UInt8>) {
        reserve(bytes.count)
        // Safe: reserve made room, and a span never overlaps spare storage.
        unsafe bytes.withUnsafeBufferPointer { source in
            if let base = source.baseAddress {
                unsafe (storage + count).initialize(from: base, count: source.count)
            }
        }
        count += bytes.count
    }

    /// Appends `byteCount` zero bytes.
    @inlinable
    package mutating func appendZeros(_ byteCount: Int) {
        reserve(byteCount)
        // Safe: reserve made room.
        unsafe (storage + count).initialize(repeating: 0, count: byteCount)
        count += byteCount
    }

    /// Moves the bytes from `start` on up by `byteCount`; what then lies between is for the caller to set.
    ///
    /// - Complexity: O(bytes that move).
    package mutating func makeGap(at start: Int, byteCount: Int) {
        precondition(start >= 0 && start <= count)
        precondition(byteCount >= 0)
        let moved = count - start
        appendZeros(byteCount)
        // Safe: both ranges lie in the initialised part; the move allows overlap.
        unsafe (storage + start + byteCount).update(from: storage + start, count: moved)
    }

    /// Lends room for up to `byteCount` bytes to `body`, which returns how many it wrote.
    @unsafe
    @inlinable
    package mutating func appendUninitialized<Failure: Error>(
        _ byteCount: Int,
        _ body: (UnsafeMutableBufferPointer<UInt8>) throws(Failure) -> Int
    ) throws(Failure) {
        reserve(byteCount)
        let room = unsafe UnsafeMutableBufferPointer(start: storage + count, count: byteCount)
        let written = try unsafe body(room)
        precondition(written >= 0 && written <= byteCount)
        count += written
    }

    @usableFromInline
    mutating func grow(by additional: Int) {
        let needed = count + additional
        let grown = max(needed, capacity * 2)
        // Safe: the old storage holds `count` initialised bytes; it is freed once they are moved.
        let replacement = UnsafeMutablePointer<UInt8>.allocate(capacity: grown)
        unsafe replacement.moveInitialize(from: storage, count: count)
        unsafe storage.deallocate()
        unsafe storage = replacement
        capacity = grown
    }
}
