// SPDX-License-Identifier: Apache-2.0

/// An option of a command, as it is typed and as the help shows it.
struct Flag: Sendable {
    /// With its dashes, "--server".
    let name: String
    /// A one-letter form, "-f".
    var short: String?
    /// What the value is called in the help; nil for a switch.
    var value: String?
    let help: String
    /// May be given more than once.
    var isRepeatable = false
}
