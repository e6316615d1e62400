// SPDX-License-Identifier: Apache-2.0

internal import Base

/// The bytes of a stream's body as they arrive, taken apart into gRPC messages.
///
/// A message is a flag byte, a big-endian length of 4 bytes, and that many bytes.
struct MessageBuffer: ~Copyable {
    /// What stands at the front of the unread bytes.
    enum Front {
        case whole
        case partial
        case refused(Refusal)
    }

    /// Bytes of a message's prefix.
    static let prefixBytes = 5

    private var bytes = ByteBuffer(capacity: 512)
    private var readOffset = 0
    private var messageStart = 0
    private var messageEnd = 0

    init() {}

    /// Bytes held, handed out or not.
    var count: Int { bytes.count }
    /// Bytes that the buffer holds without growing.
    var capacity: Int { bytes.capacity }
    /// Bytes that belong to no message handed out.
    var unreadCount: Int { bytes.count - readOffset }

    /// The last message taken; gone after ``compact()``.
    var message: Span<UInt8> {
        @_lifetime(borrow self)
        get { bytes.bytes.extracting(messageStart..<messageEnd) }
    }

    mutating func append(_ arrived: Span<UInt8>) {
        bytes.append(arrived)
    }

    /// Judges the front; if a whole message stands there, notes its bounds for `take`.
    mutating func peek(messageBytesMax: Int) -> Front {
        guard unreadCount >= Self.prefixBytes else { return .partial }
        switch bytes.bytes[readOffset] {
        case 0: break
        case 1: return .refused(.compressed)
        default: return .refused(.badFlag)
        }
        var length = 0
        for index in readOffset + 1..<readOffset + Self.prefixBytes {
            length = length << 8 | Int(bytes.bytes[index])
        }
        guard length <= messageBytesMax else { return .refused(.tooLarge) }
        guard unreadCount >= Self.prefixBytes + length else { return .partial }
        messageStart = readOffset + Self.prefixBytes
        messageEnd = messageStart + length
        return .whole
    }

    /// Judges a body that must hold one message and no more, as early as its bytes allow.
    mutating func singleMessageVerdict(messageBytesMax: Int) -> Refusal? {
        switch peek(messageBytesMax: messageBytesMax) {
        case .refused(let refusal): refusal
        case .partial: nil
        case .whole: messageEnd < bytes.count ? .secondMessage : nil
        }
    }

    /// Hands out the message that `peek` found.
    mutating func take() {
        readOffset = messageEnd
    }

    /// Drops what was handed out; moves the rest only when that is cheap for what it frees.
    mutating func compact() {
        if readOffset == bytes.count {
            bytes.removeAll()
            readOffset = 0
        } else if readOffset > bytes.count / 2 {
            bytes.removeFirst(readOffset)
            readOffset = 0
        }
        messageStart = 0
        messageEnd = 0
    }

    /// Empties the buffer, and gives up storage above `capacityMax`.
    mutating func removeAll(keepingCapacityUpTo capacityMax: Int) {
        if bytes.capacity > capacityMax {
            bytes = ByteBuffer(capacity: 512)
        } else {
            bytes.removeAll()
        }
        readOffset = 0
        messageStart = 0
        messageEnd = 0
    }
}
