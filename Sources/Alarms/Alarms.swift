// SPDX-License-Identifier: Apache-2.0

/// Alarms: what somebody has to hear of, as values, and the mailbox through which any thread says so.
///
/// An ``Alarm`` has one encoding, a line of JSON in ASCII, which is both the body of a webhook and the line in
/// the log; nothing in it can begin a line of its own or move a terminal's cursor. It is at most
/// ``AlarmLimits/encodedByteCountMax`` bytes. An alarm tells and proves nothing: what was done to a scorer's
/// slots is in the audit log, whether or not anybody heard.
///
/// Whoever raises an alarm never waits for whoever tells it: ``AlarmSink/send(_:)`` appends under a lock that is
/// held for moments, and drops the oldest when nobody takes them.
///
/// ```swift
/// sink.send(Alarm(.frozen, scorer: "cart_abandonment", rolloutID: 7, model: "abandonment@2",
///     reason: "evidence reached 30", details: [.init("log_evidence", 3.41)]))
/// ```
package enum Alarms {}
