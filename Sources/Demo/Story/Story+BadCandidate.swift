// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Files
internal import Glibc

extension Story {
    /// A model whose trainer has mixed two columns up: the server takes it out by itself, and keeps
    /// it out.
    ///
    /// Returns the rollout's number.
    func loseBadCandidate() throws(CommandError) -> UInt64 {
        let model = "abandonment@3"
        var traffic = StoryTraffic(client: client, name: "b", seed: seed &+ 2)
        chapter("A bad model, as a canary")
        say(
            "The same trees, but their trainer has mixed up cart_items and cart_value. Its golden rows "
                + "come from the same mistake, so it is taken: nothing about the file is wrong.")
        try kassa.runWrapped(["model", "upload", "\(configuration)/swapped.model.yaml"])
        try kassa.runWrapped(
            [
                "rollout", "canary", Self.scorer, "--model", model, "--weight", "5", "--steps",
                "25,100",
            ] + Self.advanceFlags + Self.objectiveFlags + ["--reason", "a new export"])
        let ended = try play(&traffic) { status in !(status.rollout?.phase.isOpen ?? false) }
        let rollout = ended.rollout?.id ?? 0
        try demand(
            ended.rollout?.phase == .phaseRolledBack,
            "the bad canary was not rolled back: \(ended.rollout?.phase.name ?? "gone")")
        let bad = traffic.answers[model] ?? 0
        let before = traffic.answerCount
        // The shop goes on, and nobody hears of it.
        for _ in 0..<50 { try traffic.advance() }
        try demand(traffic.answers[model] ?? 0 == bad, "the bad canary went on answering")
        print(ink.paint("  rolled back, by the server itself", .alarmed))
        let lines = try kassa.runWrapped(["rollout", "explain", "\(rollout)"])
        try demand(lines.contains("replayed: agrees"), "the evidence does not agree")
        try tellRollback(rollout, bad, of: before, then: traffic.answerCount - before)
        try refuseAgain()
        return rollout
    }

    private func tellRollback(
        _ rollout: UInt64, _ bad: Int, of before: Int, then after: Int
    ) throws(CommandError) {
        guard let last = try explain(rollout).transitions.last, last.actor == "guard",
            let late = last.lastAnswerAfterUs
        else { throw .failed("the record does not say who rolled back, and how late") }
        print("")
        row("answers until this was seen", Text.count(before))
        row("of them by the bad model", Text.count(bad))
        row(
            "its last answer", "\(Text.count(Int(late))) µs",
            late > 0 ? "after the event that decided" : "none after the event that decided")
        row("answers since", Text.count(after), "none of them its own")
    }

    /// The same bundle under another name.
    private func refuseAgain() throws(CommandError) {
        let folder = try TemporaryFolder(named: "kassa-demo-model")
        let file = "\(folder.path)/fresh.model.yaml"
        try copyDocument("\(configuration)/swapped.model.yaml", to: file)
        print("")
        say("Once more, under another name:")
        try kassa.runWrapped(["model", "upload", file])
        let told = try kassa.runWrapped(
            ["rollout", "canary", Self.scorer, "--model", "fresh@1", "--weight", "1"],
            exitCode: 1)
        try demand(
            told.contains { $0.contains("quarantine") }, "it was refused for another reason")
    }

    /// The model's document with another name; its files stay where they are.
    private func copyDocument(_ source: String, to file: String) throws(CommandError) {
        do throws(FileError) {
            let document = String(
                decoding: try Files.read(source, byteCountMax: 65_536), as: UTF8.self)
            let lines = document.split(separator: "\n").map { line -> String in
                if line.hasPrefix("name: ") { return "name: fresh" }
                if line.hasPrefix("version: ") { return "version: 1" }
                for key in ["artefact: ", "golden: "] where line.hasPrefix(key) {
                    return "\(key)\(absoluteFolder)/\(line.dropFirst(key.count))"
                }
                return String(line)
            }
            let bytes = Array(lines.map { "\($0)\n" }.joined().utf8)
            try Files.write(bytes.span, to: file)
        } catch {
            throw .failed("\(error)")
        }
    }

    private var absoluteFolder: String {
        // Safe: realpath allocates what it returns.
        guard let path = unsafe realpath(configuration, nil) else { return configuration }
        defer { unsafe free(path) }
        return unsafe String(cString: path)
    }
}
