// SPDX-License-Identifier: Apache-2.0

import Files
import Glibc
import Testing

@testable import Demo

@Test func `a child's lines are read, and its exit code`() throws {
    var child = try ChildProcess(
        "/bin/sh", ["-c", "printf 'one\\n\\nthree'; printf 'x\\n'; exit 7"], output: .pipe)
    var lines: [String] = []
    while let line = child.nextLine() { lines.append(line) }
    #expect(lines == ["one", "", "threex"])
    let code = child.wait()
    #expect(code == 7)
}

@Test func `a child that is told to end says which signal ended it`() throws {
    var child = try ChildProcess("/bin/sleep", ["60"], output: .pipe)
    child.terminate()
    let code = child.wait()
    #expect(code == 128 + SIGTERM)
}

@Test func `a program that is not there cannot be started`() {
    #expect(
        throws: CommandError.failed("cannot start /nix/nowhere: No such file or directory")
    ) {
        let child = try ChildProcess("/nix/nowhere", [], output: .pipe)
        child.terminate()
    }
}

private func exists(_ path: String) -> Bool {
    // Safe: Swift passes a NUL-terminated copy of the path for the call.
    unsafe access(path, F_OK) == 0
}

@Test func `a temporary folder goes with all that is in it`() throws {
    func fill() throws -> String {
        let folder = try TemporaryFolder(named: "kassa-test")
        let path = folder.path
        try Files.makeFolder(path + "/inner")
        try Files.write([1, 2, 3].span, to: path + "/inner/file")
        #expect(exists(path + "/inner/file"))
        return path
    }
    let path = try fill()
    #expect(!exists(path))
}
