// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Why the admin port does not open.
package enum AdminError: Error, Hashable, CustomStringConvertible {
    /// The text is neither an IPv4 nor an IPv6 address; names are not looked up.
    case invalidAddress(String)
    /// Another socket listens there.
    case addressInUse(address: String, port: UInt16)
    /// The machine has no such address.
    case addressUnavailable(address: String)
    /// The process may not listen on this port.
    case permissionDenied(address: String, port: UInt16)
    /// Another error of the operating system, by its number.
    case system(errorNumber: Int32, address: String, port: UInt16)
    /// libmicrohttpd did not start its thread.
    case notStarted

    /// The error of a bind that gave `errorNumber`.
    init(errorNumber: Int32, address: String, port: UInt16) {
        switch errorNumber {
        case EINVAL: self = .invalidAddress(address)
        case EADDRINUSE: self = .addressInUse(address: address, port: port)
        case EADDRNOTAVAIL: self = .addressUnavailable(address: address)
        case EACCES: self = .permissionDenied(address: address, port: port)
        default: self = .system(errorNumber: errorNumber, address: address, port: port)
        }
    }

    /// What went wrong, in words for a person.
    package var description: String {
        switch self {
        case .invalidAddress(let address):
            "admin address \"\(address)\" is not an IPv4 or IPv6 address"
        case .addressInUse(let address, let port):
            "admin port \(port) on \(address) is in use by another process"
        case .addressUnavailable(let address):
            "this machine has no address \(address) for the admin port"
        case .permissionDenied(let address, let port):
            "no permission to open admin port \(port) on \(address)"
        case .system(let errorNumber, let address, let port):
            "cannot open admin port \(port) on \(address): error \(errorNumber)"
        case .notStarted:
            "the admin port's thread did not start"
        }
    }
}
