// SPDX-License-Identifier: Apache-2.0

/// What a filesystem has, and still takes from this process.
package struct DiskSpace: Hashable, Sendable {
    /// Bytes that it still takes.
    package var freeBytes: UInt64
    /// Bytes that it has.
    package var totalBytes: UInt64
}
