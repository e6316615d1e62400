// SPDX-License-Identifier: Apache-2.0

/// Every command, in the order of the help.
let commands: [Command] = [
    serveCommand, applyCommand, getCommand, listCommand, auditCommand, dropCommand,
    modelUploadCommand, modelListCommand, modelGetCommand, modelDeleteCommand, writeCommand,
    loadCommand, readCommand, exportCommand, eraseCommand, scoreCommand, outcomeRecordCommand,
    calibrationCommand, generationListCommand,
    generationCheckCommand,
    generationSwitchCommand, generationRollbackCommand, generationDiscardCommand,
    rolloutShadowCommand, rolloutCanaryCommand, rolloutSetWeightCommand, rolloutPauseCommand,
    rolloutResumeCommand, rolloutPromoteCommand, rolloutAbortCommand, rolloutUndoCommand,
    rolloutQuarantineCommand, rolloutClearQuarantineCommand, rolloutStatusCommand,
    rolloutHistoryCommand, rolloutExplainCommand, driftCommand, driftAcceptCommand,
    storeStatsCommand, storeVerifyCommand, storeSnapshotCommand, storeRestoreCommand,
    storeCompactCommand, versionCommand,
]

/// What `kassa --help` shows.
var overview: String {
    let width = commands.map(\.name.count).max() ?? 0
    let list = commands.map { command in
        let padding = String(repeating: " ", count: width - command.name.count + 2)
        return "  \(command.name)\(padding)\(command.summary)"
    }
    return """
        Kassa: an online feature store and inference server for checkouts.

        usage: kassa COMMAND [operands] [flags]

        commands:
        \(list.joined(separator: "\n"))

        a first session:
          kassa serve                                # in one terminal
          kassa apply -f checkout.yaml               # in another: the feature sets
          kassa model upload abandonment.model.yaml
          kassa apply -f scorer.yaml                 # the scorer that names the model
          kassa write session_behaviour -e session=s-81 cart_items=3 cart_value=84.90
          kassa score cart_abandonment -e session=s-81 -e customer=c-7

        `kassa COMMAND --help` says more about one command. Commands that ask a server find it at
        --server, else at $KASSA_SERVER, else at \(defaultServer). Exit codes: 0 done, 1 refused
        or failed, 2 wrong usage, 3 no server or no answer.

        """
}
