// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The first bytes of a file such as those of `/proc`, which say that they have none.
func readFile(_ path: String, byteCountMax: Int = 1 << 16) -> String? {
    // Safe: Swift passes a NUL-terminated copy of the path for the call.
    let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var bytes: [UInt8] = []
    while bytes.count < byteCountMax {
        var isAtEnd = false
        // Safe: read writes at most the room that it is given.
        let part = unsafe [UInt8](unsafeUninitializedCapacity: 4_096) { room, count in
            count = max(0, unsafe read(file, room.baseAddress, room.count))
            isAtEnd = count == 0
        }
        if isAtEnd { break }
        bytes += part
    }
    return String(decoding: bytes, as: UTF8.self)
}
