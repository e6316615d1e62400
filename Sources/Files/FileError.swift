// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Why a file operation failed: what was tried, on which path, and the C error number.
package struct FileError: Error, Equatable, CustomStringConvertible {
    /// What was tried, "read".
    package let action: String
    /// The path that it was tried on.
    package let path: String
    /// The C `errno`, or 0 where the limit of the caller was the reason.
    package let code: Int32
    private let reason: String

    /// The failure of a C call that has just set `errno`.
    init(_ action: String, _ path: String) {
        self.action = action
        self.path = path
        code = errno
        // Safe: strerror returns a NUL-terminated string which is copied at once.
        reason = unsafe String(cString: strerror(code))
    }

    /// A failure with a reason of our own.
    init(_ action: String, _ path: String, reason: String) {
        self.action = action
        self.path = path
        code = 0
        self.reason = reason
    }

    /// Whether the path does not exist.
    package var isMissing: Bool { code == ENOENT }

    /// What was tried, on which path, and why it failed.
    package var description: String {
        "cannot \(action) \(path): \(reason)"
    }
}
