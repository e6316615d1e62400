// SPDX-License-Identifier: Apache-2.0

/// A metric's declaration: the name, meaning and labels that all its series share.
package struct MetricFamily: Hashable, Sendable {
    /// What kind of number the family's series are.
    package enum Kind: String, Sendable {
        /// Only grows; its name ends in `_total`.
        case counter
        /// Goes up and down.
        case gauge
        /// Counts in buckets, with their sum.
        case histogram
    }

    /// `kassa_rpc_requests_total`: lower case, ends with the base unit or `_total`.
    package let name: String
    /// One sentence for people.
    package let help: String
    /// What its numbers mean.
    package let kind: Kind
    /// Names of the labels; a sample gives their values in this order.
    package let labels: [String]

    /// A declaration; a name that Prometheus would refuse is our bug and traps.
    package init(_ kind: Kind, _ name: String, help: String, labels: [String] = []) {
        precondition(Self.isName(name))
        precondition(!help.isEmpty)
        precondition(name.hasSuffix("_total") == (kind == .counter))
        precondition(labels.allSatisfy { Self.isName($0) && !$0.hasPrefix("__") && $0 != "le" })
        precondition(Set(labels).count == labels.count)
        self.kind = kind
        self.name = name
        self.help = help
        self.labels = labels
    }

    /// Whether `text` is `[a-z_][a-z0-9_]*`.
    private static func isName(_ text: String) -> Bool {
        guard let first = text.utf8.first, !(0x30...0x39).contains(first) else { return false }
        return text.utf8.allSatisfy { byte in
            (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) || byte == 0x5F
        }
    }
}
