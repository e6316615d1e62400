// SPDX-License-Identifier: Apache-2.0

internal import CLinux

/// A socket call that failed.
package enum SocketError: Error, Equatable, CustomStringConvertible {
    /// The address is not a numeric IPv4 or IPv6 address.
    case badAddress
    /// A system call failed with `errno`.
    case system(call: String, errno: Int32)
    /// Nothing happened within the time allowed.
    case timedOut
    /// The peer has closed the connection.
    case closed

    /// The failure of `call` that `errno` describes now.
    static func last(_ call: String) -> SocketError {
        .system(call: call, errno: kassa_errno())
    }

    /// What failed, in words.
    package var description: String {
        switch self {
        case .badAddress: "the address is not a numeric IPv4 or IPv6 address"
        case .system(let call, let errno):
            // Safe: strerror returns a C string that stays valid until its next call.
            "\(call): \(unsafe String(cString: strerror(errno)))"
        case .timedOut: "timed out"
        case .closed: "closed by the peer"
        }
    }
}
