// SPDX-License-Identifier: Apache-2.0

import Files
import Glibc
import Testing

private func temporaryFolder() throws -> String {
    let path = "/tmp/kassa-files-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    try Files.makeFolder(path)
    return path
}

@Test func `what is written is read back and replaces what was there`() throws {
    let folder = try temporaryFolder()
    defer { _ = unsafe rmdir(folder) }
    let path = "\(folder)/a"
    try Files.write([1, 2, 3].span, to: path)
    try Files.write([4].span, to: path)
    #expect(try Files.read(path, byteCountMax: 1) == [4])
    #expect(try Files.names(in: folder) == ["a"])
    try Files.remove(path)
    try Files.remove(path)
    #expect(try Files.names(in: folder).isEmpty)
}

@Test func `a file over the limit is refused with both sizes`() throws {
    let folder = try temporaryFolder()
    defer { _ = unsafe rmdir(folder) }
    let path = "\(folder)/a"
    try Files.write([1, 2, 3].span, to: path)
    defer { try? Files.remove(path) }
    #expect(try Files.read(path, byteCountMax: 3).count == 3)
    let error = #expect(throws: FileError.self) { try Files.read(path, byteCountMax: 2) }
    #expect(error?.description == "cannot read \(path): it has 3 bytes, more than 2")
}

@Test func `a missing file and a folder in its place are told apart`() throws {
    let folder = try temporaryFolder()
    defer { _ = unsafe rmdir(folder) }
    let missing = #expect(throws: FileError.self) {
        try Files.read("\(folder)/none", byteCountMax: 1)
    }
    #expect(missing?.isMissing == true)
    let notAFile = #expect(throws: FileError.self) { try Files.read(folder, byteCountMax: 1) }
    #expect(notAFile?.isMissing == false)
}

@Test func `a secret is its owner's alone`() throws {
    let folder = try temporaryFolder()
    defer { _ = unsafe rmdir(folder) }
    let path = "\(folder)/secret"
    try Files.write([1].span, to: path)
    defer { try? Files.remove(path) }
    for mode: mode_t in [0o600, 0o400, 0o700] {
        _ = unsafe chmod(path, mode)
        #expect(try Files.read(path, byteCountMax: 1, isSecret: true) == [1])
    }
    for bit in 0..<6 {
        let mode: mode_t = 0o600 | 1 << mode_t(bit)
        _ = unsafe chmod(path, mode)
        #expect(throws: FileError.self) {
            try Files.read(path, byteCountMax: 1, isSecret: true)
        }
        if mode & 0o044 != 0 { #expect(try Files.read(path, byteCountMax: 1) == [1]) }
    }
    _ = unsafe chmod(path, 0o600)
    // Only root can give a file away; then it can read it too, and must not trust it.
    if geteuid() == 0, unsafe chown(path, 65_534, 65_534) == 0 {
        let error = #expect(throws: FileError.self) {
            try Files.read(path, byteCountMax: 1, isSecret: true)
        }
        #expect(error?.description.contains("another user") == true)
    }
}
