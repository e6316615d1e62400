// SPDX-License-Identifier: Apache-2.0

internal import Files
internal import Glibc

/// The most bytes of a file of documents.
let documentFileByteCountMax = 16 << 20

/// The bytes of a file that a person named.
func bytes(ofFile path: String, byteCountMax: Int) throws(CommandError) -> [UInt8] {
    do throws(FileError) {
        return try Files.read(path, byteCountMax: byteCountMax)
    } catch {
        throw .failed("\(error)")
    }
}

/// A variable of the environment; nil if it is not set.
func environment(_ name: String) -> String? {
    // Safe: the environment does not change in this process; the text is copied.
    unsafe getenv(name).map { unsafe String(cString: $0) }
}
