// SPDX-License-Identifier: Apache-2.0

/// How proto names become Swift names.
enum Naming {
    private static let keywords: Set<String> = [
        "as", "associatedtype", "break", "case", "catch", "class", "continue", "default", "defer",
        "deinit", "do", "else", "enum", "extension", "fallthrough", "false", "fileprivate", "for",
        "func", "guard", "if", "import", "in", "init", "inout", "internal", "is", "let", "nil",
        "operator", "precedencegroup", "private", "protocol", "public", "repeat", "rethrows",
        "return", "self", "static", "struct", "subscript", "super", "switch", "throw", "throws",
        "true", "try", "typealias", "var", "where", "while",
    ]

    /// `feature_set` as `featureSet`, `default` as `` `default` ``, `self` as `self_`.
    static func property(_ name: String) -> String {
        let camel = lowerCamel(name)
        if camel == "self" || camel == "init" { return "\(camel)_" }
        return keywords.contains(camel) ? "`\(camel)`" : camel
    }

    /// `feature_set` as `featureSet`, `DryRun` as `dryRun`.
    static func lowerCamel(_ name: String) -> String {
        let upper = upperCamel(name)
        return upper.prefix(1).lowercased() + upper.dropFirst()
    }

    /// `feature_set` as `FeatureSet`.
    static func upperCamel(_ name: String) -> String {
        name.split(separator: "_").map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
    }

    /// `PLAN_ACTION_UNSPECIFIED` of `PlanAction` as `unspecified`, `NOT_SERVING` as `notServing`.
    static func enumValue(_ name: String, of type: String) -> String {
        var prefix = ""
        for character in type {
            if character.isUppercase && !prefix.isEmpty { prefix += "_" }
            prefix += character.uppercased()
        }
        prefix += "_"
        let short = name.hasPrefix(prefix) ? name.dropFirst(prefix.count) : name[...]
        let startsWithDigit = short.first?.isNumber ?? true
        return property((startsWithDigit ? name : String(short)).lowercased())
    }

    /// `kassa.v1` as `KassaV1`, `grpc.reflection.v1alpha` as `ReflectionV1Alpha`.
    static func namespace(_ package: String) -> String {
        var parts = package.split(separator: ".")
        if parts.count > 1 && parts[0] == "grpc" { parts.removeFirst() }
        return parts.map { part in
            var name = ""
            var startsWord = true
            for character in part {
                name += startsWord ? character.uppercased() : String(character)
                startsWord = character.isNumber || character == "_"
            }
            return name
        }.joined()
    }

    /// `kassa/v1/values.proto` as `KassaV1+Values.swift`.
    static func swiftFile(_ file: FileDescriptor) -> String {
        let base = file.name.split(separator: "/").last.map(String.init) ?? file.name
        return "\(namespace(file.package))+\(upperCamel(String(base.dropLast(6)))).swift"
    }
}
