// SPDX-License-Identifier: Apache-2.0

/// Whole files, read and written at once: what configuration, artefacts and the command line need.
///
/// Invariant: a file written here exists whole or not at all, also after a power cut. Nothing here
/// is for the request path; every call blocks on the disk. Paths are given to the kernel as they
/// are, so a relative one means the process's working directory.
///
/// ```swift
/// try Files.makeFolder("kassa-data")
/// try Files.write(bytes.span, to: "kassa-data/settings")
/// let back = try Files.read("kassa-data/settings", byteCountMax: 1 << 20)
/// ```
package enum Files {
    /// The end of a temporary name; a leftover of an interrupted write has it.
    package static let temporarySuffix = ".partial"
}
