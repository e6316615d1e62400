// SPDX-License-Identifier: Apache-2.0

import Files

/// The result of one bench target, for people and for machines.
struct Report {
    var target: String
    var commit: String
    var machine: String
    var rows: [Row] = []

    var json: String {
        """
        {"target": \(quoted(target)), "commit": \(quoted(commit)), "machine": \(quoted(machine)),
         "rows": [
          \(rows.map(\.json).joined(separator: ",\n  "))
         ]}

        """
    }

    /// Prints a table for each peer.
    func print() {
        var peers: [String] = []
        for row in rows where !peers.contains(row.peerName) { peers.append(row.peerName) }
        for peer in peers {
            Swift.print("\n" + Row.header(peer: peer))
            for row in rows where row.peerName == peer { Swift.print(row.line) }
        }
    }

    /// Writes the JSON to `path`.
    func write(to path: String) throws {
        if let slash = path.lastIndex(of: "/") { try Files.makeFolder(String(path[..<slash])) }
        try Files.write(Array(json.utf8).span, to: path)
    }
}
