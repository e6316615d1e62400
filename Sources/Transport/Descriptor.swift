// SPDX-License-Identifier: Apache-2.0

internal import CLinux

/// An open file descriptor; closed with its owner.
struct Descriptor: ~Copyable {
    let rawValue: Int32

    init(_ rawValue: Int32) {
        self.rawValue = rawValue
    }

    deinit {
        close(rawValue)
    }
}
