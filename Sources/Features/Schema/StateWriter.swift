// SPDX-License-Identifier: Apache-2.0

/// Writes the fields of a feature set's state.
struct StateWriter {
    private(set) var bytes: [UInt8] = []

    mutating func integer<Integer: FixedWidthInteger & UnsignedInteger>(_ value: Integer) {
        for shift in stride(from: 0, to: Integer.bitWidth, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: value >> Integer(shift)))
        }
    }

    mutating func string(_ value: String) {
        integer(UInt32(value.utf8.count))
        bytes.append(contentsOf: value.utf8)
    }

    mutating func strings(_ values: [String]) {
        integer(UInt32(values.count))
        for value in values { string(value) }
    }

    mutating func columns(_ values: [UInt16]) {
        integer(UInt32(values.count))
        for value in values { integer(value) }
    }

    mutating func version(_ version: FeatureSetVersion) {
        strings(version.entityKinds)
        integer(version.kindsID)
        integer(version.ttlMilliseconds)
        integer(UInt8(version.isDropped ? 1 : 0))
        string(version.deprecation)
        integer(UInt32(version.features.count))
        for (feature, columnID) in zip(version.features, version.columnIDs) {
            string(feature.name)
            integer(columnID)
            integer(feature.maxAgeMilliseconds)
            integer(UInt8(feature.takesNonFiniteAsNull ? 1 : 0))
            integer(feature.onMissing?.rawValue ?? 0)
            integer(feature.onStale?.rawValue ?? 0)
            strings(feature.categories)
            string(feature.description)
            defaultValue(feature.defaultValue)
        }
    }

    private mutating func defaultValue(_ value: DefaultValue?) {
        guard let value else { return integer(UInt8(0)) }
        integer(UInt8(1))
        switch value {
        case .float32(let number): integer(number.bitPattern)
        case .float64(let number): integer(number.bitPattern)
        case .int64(let number): integer(UInt64(bitPattern: number))
        case .bool(let flag): integer(UInt8(flag ? 1 : 0))
        case .string(let text): string(text)
        case .timestamp(let time): integer(UInt64(bitPattern: time))
        case .vector(let components): for component in components { integer(component.bitPattern) }
        case .strings(let list): strings(list)
        }
    }
}
