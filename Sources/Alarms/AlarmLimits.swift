// SPDX-License-Identifier: Apache-2.0

/// The bounds of an alarm and of those that wait.
package enum AlarmLimits {
    /// Alarms that wait to be told; the oldest goes when one more comes.
    package static let waitingMax = 256
    /// Bytes of a name (a scorer, a model, a server, a detail) in its encoding; the rest is cut off.
    package static let nameByteCountMax = 160
    /// Bytes of the reason in its encoding; the rest is cut off.
    package static let reasonByteCountMax = 1_024
    /// Details of an alarm; further ones are left out.
    package static let detailsMax = 10
    /// Bytes of an alarm's encoding, whatever is in it. So a line fits the 4,096 that a pipe takes at once.
    package static let encodedByteCountMax = 4_000
}
