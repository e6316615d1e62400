// SPDX-License-Identifier: Apache-2.0

let dryRunFlag = Flag(name: "--dry-run", help: "Only print the plan.")
let actorFlag = Flag(
    name: "--actor", value: "NAME", help: "Who does this, for the audit log; $USER by default.")
let reasonFlag = Flag(name: "--reason", value: "TEXT", help: "Why, for the audit log.")
let requiredReasonFlag = Flag(
    name: "--reason", value: "TEXT", help: "Why, for the audit log. Required.")
let epochFlag = Flag(
    name: "--expected-epoch", value: "N", help: "Refuse unless epoch N is in force.")

extension Arguments {
    /// Who does this: the flag, else the person at the terminal.
    var actor: String { value(actorFlag.name) ?? environment("USER") ?? "" }

    /// Why this is done, if that was said.
    var reason: String { value(reasonFlag.name) ?? "" }

    /// Why this is done, which cannot be undone.
    func requiredReason() throws(CommandError) -> String {
        guard let reason = value(requiredReasonFlag.name), !reason.isEmpty else {
            throw .usage("say why: --reason TEXT")
        }
        return reason
    }
}
