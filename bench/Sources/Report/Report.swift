// SPDX-License-Identifier: Apache-2.0

import Files

/// The result of one bench target, for people and for machines.
struct Report {
    let target: String
    let provenance: Provenance
    var rows: [Row] = []

    /// A result of now; see ``Provenance/init(commit:)`` for `commit`.
    init(target: String, commit: String?) {
        self.target = target
        provenance = Provenance(commit: commit)
    }

    var machine: String { provenance.machine }

    var json: String {
        """
        {"target": \(quoted(target)), "commit": \(quoted(provenance.commit)),
         "date": \(quoted(provenance.date)), "cpu": \(quoted(provenance.cpu)),
         "machine": \(quoted(machine)),
         "rows": [
          \(rows.map(\.json).joined(separator: ",\n  "))
         ]}

        """
    }

    /// Adds the rounds of `row` to what is there of the same figure.
    mutating func add(_ row: Row) {
        let index = rows.firstIndex {
            $0.name == row.name && $0.metric == row.metric && $0.peerName == row.peerName
        }
        guard let index else { return rows.append(row) }
        rows[index].ours += row.ours
        rows[index].peer += row.peer
    }

    /// Prints a table for each peer.
    func print() {
        Swift.print("\ncommit \(provenance.commit), \(provenance.date), \(machine)")
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
