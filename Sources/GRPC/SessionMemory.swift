// SPDX-License-Identifier: Apache-2.0

internal import CNGHTTP2
internal import Glibc

/// The memory of all sessions of one event loop: blocks for nghttp2 and pooled calls.
///
/// Freed blocks go to a list per size class and are handed out again, so that after warm-up a
/// request reaches `malloc` no more. Belongs to one thread; outlives its sessions, which retain it.
@safe package final class SessionMemory {
    /// Each block starts with its size class, padded to keep what follows aligned to 16.
    private static let headerBytes = 16
    private static let linearClasses = 16
    private static let classCount = 22
    private static let unpooled = 255

    private let freeBlocks: UnsafeMutablePointer<UnsafeMutableRawPointer?>
    /// Calls that are kept for the next ones, and the bytes of their buffers.
    package static let pooledCallsMax = 1_024
    /// Bytes of the buffers of the calls that are kept.
    package static let pooledCallBytesMax = 16 << 20
    /// Request bytes that all connections of a loop may hold together, unless told otherwise.
    package static let receivedBytesMax = 256 << 20

    private var freeCalls: [Call] = []
    private var freeCallBytes = 0
    /// Request bytes that the sessions hold now, and the most that they may.
    var receivedBytesHeld = 0
    let receivedBytesMax: Int

    /// Allocations that a freed block served.
    package private(set) var pooledAllocations: UInt64 = 0
    /// Allocations that reached `malloc`.
    package private(set) var systemAllocations: UInt64 = 0

    /// An empty pool.
    package init(receivedBytesMax: Int = SessionMemory.receivedBytesMax) {
        self.receivedBytesMax = receivedBytesMax
        unsafe freeBlocks = .allocate(capacity: Self.classCount)
        unsafe freeBlocks.initialize(repeating: nil, count: Self.classCount)
    }

    deinit {
        for index in 0..<Self.classCount {
            // Safe: a free block's first word holds the next free block.
            while let block = unsafe freeBlocks[index] {
                unsafe freeBlocks[index] = block.load(as: UnsafeMutableRawPointer?.self)
                unsafe Glibc.free(block)
            }
        }
        unsafe freeBlocks.deallocate()
    }

    /// A call for a new stream.
    func takeCall() -> Call {
        guard let call = freeCalls.popLast() else { return Call() }
        freeCallBytes -= call.bufferBytes
        return call
    }

    /// Keeps an empty call for the next stream, unless enough are kept.
    func keep(_ call: Call) {
        let bytes = call.bufferBytes
        guard freeCalls.count < Self.pooledCallsMax,
            freeCallBytes + bytes <= Self.pooledCallBytesMax
        else { return }
        freeCalls.append(call)
        freeCallBytes += bytes
    }

    /// Calls that are kept.
    var freeCallCount: Int { freeCalls.count }

    /// The functions that make nghttp2 use this pool (`nghttp2_mem`).
    @unsafe func functions() -> nghttp2_mem {
        // Safe: the session that gets these retains self.
        unsafe nghttp2_mem(
            mem_user_data: Unmanaged.passUnretained(self).toOpaque(),
            malloc: { size, pool in unsafe withPool(pool) { unsafe $0.allocate(size) } },
            free: { block, pool in unsafe withPool(pool) { unsafe $0.free(block) } },
            calloc: { count, size, pool in
                unsafe withPool(pool) { pool in
                    let (total, overflow) = count.multipliedReportingOverflow(by: size)
                    guard !overflow, let block = unsafe pool.allocate(total) else { return nil }
                    unsafe memset(block, 0, total)
                    return unsafe block
                }
            },
            realloc: { block, size, pool in
                unsafe withPool(pool) { unsafe $0.reallocate(block, size) }
            })
    }

    /// The class of a block of `total` bytes, header included: steps of 64 up to 1 KiB, then doubling.
    private static func sizeClass(_ total: Int) -> Int {
        if total <= 1_024 { return (total - 1) >> 6 }
        if total > 65_536 { return unpooled }
        return linearClasses + (Int.bitWidth - (total - 1).leadingZeroBitCount) - 11
    }

    private static func blockBytes(_ sizeClass: Int) -> Int {
        sizeClass < linearClasses ? (sizeClass + 1) << 6 : 2_048 << (sizeClass - linearClasses)
    }

    @unsafe fileprivate func allocate(_ size: Int) -> UnsafeMutableRawPointer? {
        guard size <= 1 << 40 else { return nil }
        let total = size + Self.headerBytes
        let sizeClass = Self.sizeClass(total)
        if sizeClass != Self.unpooled, let block = unsafe freeBlocks[sizeClass] {
            unsafe freeBlocks[sizeClass] = block.load(as: UnsafeMutableRawPointer?.self)
            unsafe block.storeBytes(of: sizeClass, as: Int.self)
            pooledAllocations &+= 1
            return unsafe block + Self.headerBytes
        }
        systemAllocations &+= 1
        let bytes = sizeClass == Self.unpooled ? total : Self.blockBytes(sizeClass)
        guard let block = unsafe Glibc.malloc(bytes) else { return nil }
        unsafe block.storeBytes(of: sizeClass, as: Int.self)
        unsafe block.storeBytes(of: size, toByteOffset: 8, as: Int.self)
        return unsafe block + Self.headerBytes
    }

    @unsafe fileprivate func free(_ pointer: UnsafeMutableRawPointer?) {
        guard let pointer = unsafe pointer else { return }
        // Safe: every pointer that nghttp2 gives back came from `allocate`.
        let block = unsafe pointer - Self.headerBytes
        let sizeClass = unsafe block.load(as: Int.self)
        guard sizeClass != Self.unpooled else { return unsafe Glibc.free(block) }
        unsafe block.storeBytes(of: freeBlocks[sizeClass], as: UnsafeMutableRawPointer?.self)
        unsafe freeBlocks[sizeClass] = block
    }

    @unsafe fileprivate func reallocate(
        _ pointer: UnsafeMutableRawPointer?, _ size: Int
    ) -> UnsafeMutableRawPointer? {
        guard let pointer = unsafe pointer else { return unsafe allocate(size) }
        let block = unsafe pointer - Self.headerBytes
        let sizeClass = unsafe block.load(as: Int.self)
        let room =
            unsafe sizeClass == Self.unpooled
            ? block.load(fromByteOffset: 8, as: Int.self)
            : Self.blockBytes(sizeClass) - Self.headerBytes
        if size <= room { return unsafe pointer }
        guard let moved = unsafe allocate(size) else { return nil }
        unsafe memcpy(moved, pointer, room)
        unsafe free(pointer)
        return unsafe moved
    }
}

@unsafe private func withPool<Result>(
    _ pool: UnsafeMutableRawPointer?, _ body: (SessionMemory) -> Result
) -> Result {
    // Safe: nghttp2 hands back the pointer from `functions`, and the session retains the pool.
    unsafe Unmanaged<SessionMemory>.fromOpaque(pool!)._withUnsafeGuaranteedRef { body($0) }
}
