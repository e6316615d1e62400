// SPDX-License-Identifier: Apache-2.0

/// Reads a model that LightGBM 2.x, 3.x or 4.x saved as text (`Booster.save_model("model.txt")`).
///
/// Layout: `src/boosting/gbdt_model_text.cpp` and `src/io/tree.cpp` of LightGBM. A header, the
/// trees, `end of trees`; then importances and parameters, of which only `pandas_categorical` says
/// something about rows.
struct LightGBMReader: ~Escapable {
    var lines: LineReader
    var header = Header()
    var trees: [TreeEnsemble.Tree] = []
    var nodeCount = 0
    var categories = CategorySets()

    /// What the file says outside its trees.
    struct Header {
        var version: String?
        var classCount: Int?
        var treesPerIteration: Int?
        var featureIndexMax: Int?
        var objective: [String]?
        var featureNames: [String] = []
        /// Per feature, whether it is categorical.
        var isCategorical: [Bool] = []
        var treeSizes: Int?
        var isAveraged = false
        /// The categories of each categorical column of the data frame that was trained on.
        var frameCategories: [[String]] = []
    }

    @_lifetime(copy bytes)
    private init(_ bytes: Span<UInt8>) {
        lines = LineReader(bytes)
    }

    /// The model in `bytes`, not yet verified.
    static func read(_ bytes: Span<UInt8>) throws(ImportError) -> ImportedModel {
        var reader = LightGBMReader(bytes)
        try reader.readDocument()
        return .trees(try reader.ensemble())
    }

    private mutating func readDocument() throws(ImportError) {
        guard let first = try lines.next(), lines.text(first.key) == "tree" else {
            throw .field("tree", problem: "is not the first line: is this a model of LightGBM?")
        }
        var seen: Set<String> = []
        var tree: LightGBMTreeLines?
        while true {
            guard let line = try lines.next() else {
                throw .field("end of trees", problem: "is missing: is the file whole?")
            }
            let key = lines.text(line.key)
            // LightGBM 2.0 goes on with the importances at once.
            if key == "end of trees" || key == "feature importances:" { break }
            if key == "Tree" {
                if let tree { try append(tree) }
                let number = try lines.integer(line.value)
                guard number == trees.count else {
                    throw .tree(trees.count, problem: "is numbered \(number)")
                }
                guard number < ImportLimits.treesMax else {
                    throw .limit("trees", max: ImportLimits.treesMax)
                }
                tree = LightGBMTreeLines()
            } else if tree != nil {
                try tree?.read(key, line.value, lines, tree: trees.count)
            } else {
                guard seen.insert(key).inserted else {
                    throw .field(key, problem: "appears twice")
                }
                guard seen.count <= ImportLimits.keysMax else {
                    throw .limit("keys in one object", max: ImportLimits.keysMax)
                }
                try readHeader(key, line.value)
            }
        }
        if let tree { try append(tree) }
        try readRest()
    }

    private mutating func readHeader(
        _ key: String, _ value: Range<Int>
    ) throws(ImportError) {
        switch key {
        case "version": header.version = lines.text(value)
        case "num_class": header.classCount = try lines.integer(value)
        case "num_tree_per_iteration": header.treesPerIteration = try lines.integer(value)
        case "max_feature_idx": header.featureIndexMax = try lines.integer(value)
        case "average_output": header.isAveraged = true
        case "objective":
            header.objective = try lines.words(value, atMost: 16, called: "words in the objective")
        case "feature_names":
            header.featureNames = try lines.words(
                value, atMost: ImportLimits.featuresMax, called: "features")
        case "feature_infos":
            // `[min:max]`, `none`, or the categories `0:3:1`.
            var rest = value
            while let word = lines.word(&rest) {
                guard header.isCategorical.count < ImportLimits.featuresMax else {
                    throw .limit("features", max: ImportLimits.featuresMax)
                }
                let first = lines.bytes[word.lowerBound]
                header.isCategorical.append(
                    first != UInt8(ascii: "[") && first != UInt8(ascii: "n"))
            }
        case "tree_sizes":
            var rest = value
            var count = 0
            while let word = lines.word(&rest) {
                _ = try lines.integer(word)
                count += 1
            }
            header.treeSizes = count
        default: break
        }
    }

    private mutating func append(_ tree: LightGBMTreeLines) throws(ImportError) {
        let nodes = try tree.nodes(tree: trees.count, categories: &categories)
        nodeCount += nodes.count
        guard nodeCount <= ImportLimits.nodesMax else {
            throw .limit("nodes", max: ImportLimits.nodesMax)
        }
        trees.append(TreeEnsemble.Tree(nodes: nodes))
    }

    /// What follows the trees: only the categories of a data frame matter.
    private mutating func readRest() throws(ImportError) {
        let prefix = "pandas_categorical:"
        while let line = try lines.next() {
            let range = line.key.lowerBound..<line.value.upperBound
            guard range.count >= prefix.utf8.count,
                lines.text(range.lowerBound..<range.lowerBound + prefix.utf8.count) == prefix
            else { continue }
            let text = Array(
                lines.text(range.lowerBound + prefix.utf8.count..<range.upperBound).utf8)
            var json = JSONReader(text.span)
            if json.nextKind() == .null {
                try json.skip()
            } else {
                try json.enterArray()
                while try json.nextElement() { try readFrameCategories(&json) }
            }
            try json.finish()
        }
    }

    private mutating func readFrameCategories(_ json: inout JSONReader) throws(ImportError) {
        guard header.frameCategories.count < ImportLimits.featuresMax else {
            throw .limit("features", max: ImportLimits.featuresMax)
        }
        var texts: [String] = []
        try json.enterArray()
        while try json.nextElement() {
            guard texts.count < ImportLimits.categoriesMax else {
                throw .limit("categories", max: ImportLimits.categoriesMax)
            }
            // A number would be read as a code, which is another number.
            guard json.nextKind() == .string else {
                throw .unsupported(
                    "a data frame's categories that are not texts (pandas_categorical)")
            }
            texts.append(try json.string())
        }
        header.frameCategories.append(texts)
    }
}
