// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Documents
internal import Wire

/// What an apply or a drop did, or would do.
struct PlanText {
    let response: KassaV1.ApplyResponse
    let isDryRun: Bool

    private var isChange: Bool {
        response.plan.contains { [.add, .change, .remove].contains($0.action) }
    }

    /// A line per document with its details below it, and what became of the epoch.
    var lines: [String] {
        var lines: [String] = []
        for entry in response.plan {
            let title = "\(entry.kind) \(entry.name)"
            switch entry.action {
            case .add: lines.append("+ \(title)")
            case .change: lines.append("~ \(title)")
            case .remove: lines.append("- \(title)")
            default: lines.append("= \(title) unchanged")
            }
            lines += entry.details.map { "    \($0)" }
            lines += entry.warnings.map { "    ! \($0)" }
        }
        let epoch = response.epoch
        if !isChange {
            lines.append("nothing to change; epoch \(epoch)")
        } else if isDryRun {
            lines.append("dry run: nothing was changed; epoch \(epoch)")
        } else {
            lines.append("epoch \(epoch == 0 ? 0 : epoch - 1) → \(epoch)")
        }
        return lines
    }

    var tree: Tree {
        let entries = response.plan.map { entry -> Tree in
            .map([
                .init("action", .text(entry.action.name.lowercased())),
                .init("kind", .text(entry.kind)), .init("name", .text(entry.name)),
                .init("details", .list(entry.details.map { .text($0) })),
                .init("warnings", .list(entry.warnings.map { .text($0) })),
            ])
        }
        return .map([
            .init("plan", .list(entries)), .init("changed", .flag(isChange && !isDryRun)),
            .init("dry_run", .flag(isDryRun)), .init("epoch", .unsigned(response.epoch)),
        ])
    }
}
