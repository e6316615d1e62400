// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Colour on a terminal, or none: a file or a pipe gets plain text.
enum Ink: Hashable {
    case plain, colours

    enum Tone: String {
        case calm = "32"
        case wary = "33"
        case alarmed = "31"
        case faint = "2"
        case strong = "1"
    }

    /// Colours if the standard output is a terminal and nobody asked for none (no-color.org).
    static func ofTerminal() -> Ink {
        // Safe: the environment does not change meanwhile.
        unsafe isatty(STDOUT_FILENO) == 1 && getenv("NO_COLOR") == nil ? .colours : .plain
    }

    /// `text` in the given tone.
    func paint(_ text: String, _ tone: Tone) -> String {
        self == .plain ? text : "\u{1B}[\(tone.rawValue)m\(text)\u{1B}[0m"
    }

    /// The tone of a probability to leave.
    static func tone(of probability: Double) -> Tone {
        probability < 0.4 ? .calm : probability < 0.7 ? .wary : .alarmed
    }
}
