// SPDX-License-Identifier: Apache-2.0

/// `name=value` as it is typed; the value may hold further equals signs.
struct NamedText: Equatable {
    let name: String
    let text: String

    /// Splits `word`; `form` says in an error what was wanted, "KIND=ID".
    init(_ word: String, form: String) throws(CommandError) {
        guard let equals = word.firstIndex(of: "="), equals != word.startIndex else {
            throw .usage("\"\(word)\" is not \(form)")
        }
        name = String(word[..<equals])
        text = String(word[word.index(after: equals)...])
    }

    /// The entities of repeated `--entity KIND=ID` flags; each kind once, at least one.
    ///
    /// An empty id says that there is no such entity, where that can be said.
    static func entities(
        _ arguments: Arguments, allowingNone: Bool = false
    ) throws(CommandError) -> [NamedText] {
        var entities: [NamedText] = []
        for word in arguments.values(entityFlag.name) {
            let entity = try NamedText(word, form: "KIND=ID, such as session=s-81")
            guard allowingNone || !entity.text.isEmpty else {
                throw .usage("--entity \(word) has no id")
            }
            guard !entities.contains(where: { $0.name == entity.name }) else {
                throw .usage("--entity \(entity.name) was given twice")
            }
            entities.append(entity)
        }
        guard !entities.isEmpty else {
            throw .usage("name the entity: --entity KIND=ID, such as --entity session=s-81")
        }
        return entities
    }
}
