// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A folder under `/tmp` that goes with its owner.
@safe final class TemporaryFolder {
    let path: String

    init() throws(BenchError) {
        var template = Array("/tmp/kassa-bench-XXXXXX".utf8CString)
        // Safe: the template is a NUL-terminated array that mkdtemp changes in place.
        guard unsafe mkdtemp(&template) != nil else { throw BenchError("no temporary folder") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        let removal = try? ChildProcess(
            ["rm", "-rf", "--", path], core: Machine.clientCore, log: "/dev/null")
        _ = removal?.waitForSuccess(seconds: 30)
    }
}
