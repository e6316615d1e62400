// SPDX-License-Identifier: Apache-2.0

internal import API

/// The rules for names and prose in documents.
enum Words {
    /// Checks a scorer's words; `field` is its place in the request.
    static func check(_ spec: KassaV1.ScorerSpec, at field: String) throws(EngineError) {
        try checkName(spec.name, at: "\(field).name")
        try checkProse(spec.owner, at: "\(field).owner")
        try checkProse(spec.description, at: "\(field).description")
        try checkLabels(spec.labels, at: "\(field).labels")
    }

    /// Checks a model's words; `field` is the spec's place in the request.
    static func check(_ spec: KassaV1.ModelSpec, at field: String) throws(EngineError) {
        try checkName(spec.name, at: "\(field).name")
        try checkProse(spec.owner, at: "\(field).owner")
        try checkProse(spec.description, at: "\(field).description")
        try checkLabels(spec.labels, at: "\(field).labels")
    }

    /// A name is `[a-z][a-z0-9_]*`, at most 64 bytes.
    static func checkName(_ name: String, at field: String) throws(EngineError) {
        let bytes = name.utf8
        let isLetter = { (byte: UInt8) in (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }
        let isNameByte = { (byte: UInt8) in
            isLetter(byte) || byte == UInt8(ascii: "_")
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        }
        guard
            let first = bytes.first, isLetter(first), bytes.allSatisfy(isNameByte),
            bytes.count <= EngineLimits.nameByteCountMax
        else {
            throw EngineError(
                .invalidArgument,
                "\(field): must begin with a letter a-z, go on with a-z, 0-9 and _, and have at "
                    + "most \(EngineLimits.nameByteCountMax) bytes")
        }
    }

    /// Prose is bounded.
    static func checkProse(_ text: String, at field: String) throws(EngineError) {
        guard text.utf8.count <= EngineLimits.proseByteCountMax else {
            throw EngineError(
                .invalidArgument,
                "\(field): longer than \(EngineLimits.proseByteCountMax) bytes")
        }
    }

    private static func checkLabels(
        _ labels: [String: String], at field: String
    ) throws(EngineError) {
        guard labels.count <= EngineLimits.labelsMax else {
            throw EngineError(
                .invalidArgument, "\(field): more than \(EngineLimits.labelsMax) labels")
        }
        for (key, value) in labels {
            guard !key.isEmpty else {
                throw EngineError(.invalidArgument, "\(field): a key is empty")
            }
            try checkProse(key, at: field)
            try checkProse(value, at: field)
        }
    }
}
