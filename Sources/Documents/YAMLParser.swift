// SPDX-License-Identifier: Apache-2.0

internal import CYAML

/// Reads a YAML file into trees, one per document; a face of libyaml's event parser.
@safe struct YAMLParser: ~Copyable {
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let bytes: UnsafeBufferPointer<UInt8>
    private var nodesLeft = YAMLLimits.nodesMax

    /// The documents of `bytes` in their order; empty ones are left out.
    static func documents(in bytes: Span<UInt8>) throws(DocumentError) -> [YAMLNode] {
        guard bytes.count <= YAMLLimits.bytesMax else {
            throw DocumentError(.tooLarge(bytesMax: YAMLLimits.bytesMax), at: .start)
        }
        // libyaml takes a byte order mark for text when it is told the encoding.
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        let isMarked = bytes.count >= 3 && mark.indices.allSatisfy { bytes[$0] == mark[$0] }
        let bytes = bytes.extracting(droppingFirst: isMarked ? mark.count : 0)
        // libyaml asserts that there is input.
        guard !bytes.isEmpty else { return [] }
        return try unsafe bytes.withUnsafeBufferPointer { (buffer) throws(DocumentError) in
            // Safe: the parser ends with this closure, before the buffer does.
            var parser = try unsafe YAMLParser(buffer)
            return try parser.documents()
        }
    }

    @unsafe private init(_ bytes: UnsafeBufferPointer<UInt8>) throws(DocumentError) {
        guard let parser = unsafe kassa_yaml_open(bytes.baseAddress, bytes.count) else {
            throw DocumentError(.outOfMemory, at: .start)
        }
        unsafe self.parser = parser
        unsafe self.bytes = bytes
    }

    deinit {
        unsafe kassa_yaml_close(parser)
    }

    private mutating func documents() throws(DocumentError) -> [YAMLNode] {
        var documents: [YAMLNode] = []
        while true {
            let event = try next()
            switch event.kind {
            case .streamEnd: return documents
            case .node:
                let document = try node(event, depth: 1)
                if !document.isNull { documents.append(document) }
            case .boundary, .end: break
            }
        }
    }

    /// The tree that begins with `event`.
    private mutating func node(_ event: Event, depth: Int) throws(DocumentError) -> YAMLNode {
        guard nodesLeft > 0 else {
            throw DocumentError(.tooManyNodes(nodesMax: YAMLLimits.nodesMax), at: event.position)
        }
        nodesLeft -= 1
        if let text = event.text {
            return YAMLNode(
                content: .scalar(text, isPlain: event.isPlain), position: event.position)
        }
        guard depth <= YAMLLimits.depthMax else {
            throw DocumentError(.tooDeep(depthMax: YAMLLimits.depthMax), at: event.position)
        }
        let content =
            event.isMapping
            ? YAMLNode.Content.mapping(try entries(depth: depth))
            : .sequence(try elements(depth: depth))
        return YAMLNode(content: content, position: event.position)
    }

    private mutating func elements(depth: Int) throws(DocumentError) -> [YAMLNode] {
        var elements: [YAMLNode] = []
        while true {
            let event = try next()
            guard event.kind == .node else { return elements }
            elements.append(try node(event, depth: depth + 1))
        }
    }

    private mutating func entries(depth: Int) throws(DocumentError) -> [YAMLNode.Entry] {
        var entries: [YAMLNode.Entry] = []
        var lines: [String: Int] = [:]
        while true {
            let event = try next()
            guard event.kind == .node else { return entries }
            guard case .scalar(let key, _) = try node(event, depth: depth + 1).content else {
                throw DocumentError(.keyIsNotText, at: event.position)
            }
            if let line = lines.updateValue(event.position.line, forKey: key) {
                throw DocumentError(.duplicateKey(key, firstLine: line), at: event.position)
            }
            let value = try node(try next(), depth: depth + 1)
            entries.append(
                YAMLNode.Entry(key: key, keyPosition: event.position, value: value))
        }
    }

    /// An event of libyaml, copied out of it.
    private struct Event {
        enum Kind { case node, end, boundary, streamEnd }
        let kind: Kind
        let isMapping: Bool
        /// Of a scalar.
        let text: String?
        let isPlain: Bool
        let position: YAMLPosition
    }

    private mutating func next() throws(DocumentError) -> Event {
        var event = unsafe kassa_yaml_event()
        guard unsafe kassa_yaml_next(parser, &event) == 1 else { throw failure() }
        defer { unsafe kassa_yaml_event_delete(&event) }
        let position = unsafe YAMLPosition(line: event.line + 1, column: event.column + 1)
        if unsafe event.has_anchor != 0 || event.type == YAML_ALIAS_EVENT {
            throw DocumentError(.unsupported("anchors and aliases"), at: position)
        }
        if unsafe event.has_tag != 0 { throw DocumentError(.unsupported("tags"), at: position) }
        let kind: Event.Kind =
            switch unsafe event.type {
            case YAML_SCALAR_EVENT, YAML_SEQUENCE_START_EVENT, YAML_MAPPING_START_EVENT: .node
            case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT: .end
            case YAML_STREAM_END_EVENT, YAML_NO_EVENT: .streamEnd
            default: .boundary
            }
        // Safe: the value has that many bytes and belongs to the event, which is deleted later.
        let text = unsafe event.value.map { value in
            unsafe String(
                decoding: UnsafeBufferPointer(start: value, count: event.byte_count),
                as: UTF8.self)
        }
        return unsafe Event(
            kind: kind, isMapping: event.type == YAML_MAPPING_START_EVENT, text: text,
            isPlain: event.is_plain != 0, position: position)
    }

    /// The error that libyaml has met.
    private func failure() -> DocumentError {
        // Safe: the problem is a constant of libyaml.
        let problem = unsafe parser.pointee.problem.map { unsafe String(cString: $0) }
        switch unsafe parser.pointee.error {
        case YAML_MEMORY_ERROR:
            return DocumentError(.outOfMemory, at: .start)
        case YAML_READER_ERROR:
            // The reader knows a byte's offset only.
            let offset = unsafe Int(clamping: parser.pointee.problem_offset)
            return DocumentError(.syntax(problem ?? "unreadable"), at: position(ofByte: offset))
        default:
            let mark = unsafe parser.pointee.problem_mark
            return DocumentError(
                .syntax(problem ?? "unreadable"),
                at: YAMLPosition(line: mark.line + 1, column: mark.column + 1))
        }
    }

    private func position(ofByte offset: Int) -> YAMLPosition {
        var line = 1
        var column = 1
        // Safe: the buffer outlives the parser.
        let before = unsafe Array(bytes.prefix(offset))
        for byte in before {
            if byte == 0x0A {
                line += 1
                column = 1
            } else if byte & 0xC0 != 0x80 {
                column += 1
            }
        }
        return YAMLPosition(line: line, column: column)
    }
}
