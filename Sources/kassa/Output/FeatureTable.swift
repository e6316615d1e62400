// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Wire

/// Features with their values, statuses and ages.
struct FeatureTable {
    private var table = Table(["FEATURE", "VALUE", "STATUS", "AGE"], rightAligned: [1, 3])

    init(_ cells: [ReadCell]) {
        for cell in cells {
            table.add([
                cell.name, ValueText.text(cell.value), cell.status.name,
                ValueText.age(milliseconds: cell.ageMilliseconds),
            ])
        }
    }

    var lines: [String] { table.lines }

    func print() { table.print() }
}
