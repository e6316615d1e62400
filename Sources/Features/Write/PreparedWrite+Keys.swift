// SPDX-License-Identifier: Apache-2.0

internal import API

extension PreparedWrite {
    /// Builds every row's key; key columns may come in any order.
    mutating func takeKeys(_ given: [KassaV1.KeyColumn]) throws(FieldError) {
        let kinds = version.entityKinds
        guard given.count == kinds.count else {
            throw FieldError(
                field: "keys", reason: "must be one a kind: \(kinds.joined(separator: ", "))")
        }
        let columns = try KeyColumns(given, kinds: kinds)
        keys.reserveCapacity(rowCount * 32)
        keyEnds.reserveCapacity(rowCount)
        var key = RowKey()
        for row in 0..<rowCount {
            do throws(FieldError) {
                try columns.build(row, kindsID: version.kindsID, setID: set.id, into: &key)
                let bytes = key.bytes
                for index in bytes.indices { keys.append(bytes[index]) }
            } catch {
                refuse(row, error.field, error.reason)
            }
            // A refused row has an empty key, which nobody asks for.
            keyEnds.append(UInt32(keys.count))
        }
    }

    /// Takes n event times, or one for all; none means now.
    mutating func takeTimes(_ given: [Int64], now: Int64) throws(FieldError) {
        guard given.count == rowCount || given.count <= 1 else {
            throw FieldError(field: "event_time_us", reason: "must be one a row, or one, or none")
        }
        times = given.isEmpty ? [now] : given
        let latest = min(
            now &+ FeatureLimits.futureSkewMicrosecondsMax, FeatureLimits.eventTimeMicrosecondsMax)
        for index in times.indices {
            let time = times[index]
            guard time < 0 || time > latest else { continue }
            let reason = time < 0 ? "is negative" : "is too far in the future"
            guard times.count > 1 || rowCount == 1 else {
                throw FieldError(field: "event_time_us", reason: reason)
            }
            refuse(index, "event_time_us", reason)
        }
    }
}
