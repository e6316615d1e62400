// SPDX-License-Identifier: Apache-2.0

import Models
import Testing

/// Well-formed JSON that describes something other than trees; each refusal names the node.
@Suite struct MaliciousModelTests {
    /// The refusal of three sound trees and a fourth with a change.
    private func refusalOfTreeThree(_ change: (inout XGBoostText.Tree) -> Void) -> String? {
        var tree = XGBoostText.Tree()
        change(&tree)
        return refusal(XGBoostText.ending(in: tree, after: 3).json)
    }

    @Test(arguments: ["5", "99", "-2", "-2147483648", "2147483647"])
    func `a child outside the tree is refused`(_ child: String) {
        #expect(
            refusalOfTreeThree { $0.left = "[1,\(child),-1,-1,-1]" }
                == "tree 3 node 1: left child \(child) is outside 0..<5")
        #expect(
            refusalOfTreeThree { $0.right = "[2,\(child),-1,-1,-1]" }
                == "tree 3 node 1: right child \(child) is outside 0..<5")
    }

    @Test func `half a leaf is refused`() {
        #expect(
            refusalOfTreeThree { $0.right = "[2,-1,-1,-1,-1]" }
                == "tree 3 node 1: right child -1 is outside 0..<5")
    }

    @Test func `a child beyond 64 bits is refused`() {
        #expect(
            refusalOfTreeThree { $0.left = "[1,99999999999999999999,-1,-1,-1]" }
                == "tree 3 node 1: left_children: the integer is too large")
    }

    @Test func `a cycle is refused`() {
        #expect(
            refusalOfTreeThree { $0.left = "[1,0,-1,-1,-1]" }
                == "tree 3 node 1: left child 0 is already reached by another way")
        #expect(
            refusalOfTreeThree { $0.left = "[1,1,-1,-1,-1]" }
                == "tree 3 node 1: left child 1 is already reached by another way")
    }

    @Test func `a shared child is refused`() {
        #expect(
            refusalOfTreeThree { $0.right = "[2,2,-1,-1,-1]" }
                == "tree 3 node 1: right child 2 is already reached by another way")
    }

    @Test func `a node that nothing leads to is refused`() {
        #expect(
            refusalOfTreeThree {
                $0.left = "[1,-1,-1,-1,-1]"
                $0.right = "[2,-1,-1,-1,-1]"
            } == "tree 3 node 3: is not reached from the root")
    }

    @Test func `a deleted node in the way is refused`() {
        #expect(
            refusalOfTreeThree { $0.splitIndices = "[0,2147483647,0,0,0]" }
                == "tree 3 node 1: is marked as deleted and yet reached from the root")
    }

    @Test func `a chain is accepted up to the depth limit and refused one deeper`() throws {
        #expect(try importModel(XGBoostText.ending(in: chain(64)).json).summary.depth == 64)
        #expect(
            refusal(XGBoostText.ending(in: chain(65), after: 3).json)
                == "tree 3 node 129: is deeper than 64 splits")
        #expect(
            refusal(XGBoostText.ending(in: chain(10_000)).json)
                == "tree 0 node 129: is deeper than 64 splits")
    }

    @Test func `a tree of too many nodes is refused before it is kept`() {
        #expect(
            refusal(XGBoostText.ending(in: chain(32_768)).json)
                == "tree 0: has more than 65535 nodes")
    }

    @Test func `too many trees are refused`() {
        let stump = XGBoostText.Tree(
            left: "[-1]", right: "[-1]", splitIndices: "[0]", splitConditions: "[1E0]",
            defaultLeft: "[0]", splitType: "[0]", nodeCount: "\"1\"")
        #expect(
            refusal(XGBoostText.ending(in: stump, after: ImportLimits.treesMax).json)
                == "more than 100000 trees")
    }

    @Test(arguments: [
        ("Infinity", "expected a number"),
        ("-Infinity", "expected a number"), ("1e400", "the number is too large for a float32"),
        ("-3.5e38", "the number is too large for a float32"), ("null", "expected a number"),
        ("1E", "expected a digit in the exponent"), ("01", "a number with a leading zero"),
    ])
    func `a number that is not finite is refused`(_ number: String, _ problem: String) {
        #expect(
            refusalOfTreeThree { $0.splitConditions = "[5E-1,\(number),1,2,3]" }
                == "tree 3 node 1: split_conditions: \(problem)")
        #expect(
            refusalOfTreeThree { $0.splitConditions = "[5E-1,1,1,2,\(number)]" }
                == "tree 3 node 4: split_conditions: \(problem)")
    }

    @Test func `not a number is refused where no set of categories takes its place`() {
        #expect(
            refusalOfTreeThree { $0.splitConditions = "[5E-1,NaN,1,2,3]" }
                == "tree 3 node 1: the threshold is not finite")
        #expect(
            refusalOfTreeThree { $0.splitConditions = "[5E-1,1,1,2,NaN]" }
                == "tree 3 node 4: the leaf value is not finite")
    }

    @Test(arguments: [
        ("[1],[1],[0],[2]", "tree 3 node 1: its categories are outside 0..<1"),
        ("[1],[1],[2],[0]", "tree 3 node 1: its categories are outside 0..<1"),
        ("[1],[1],[9223372036854775807],[1]", "outside 0...2147483647"),
        ("[1],[1],[0],[0]", "tree 3 node 1: its set of categories is empty"),
        ("[16777216],[1],[0],[1]", "tree 3 node 1: category 16777216 is not below 16777216"),
        ("[-1],[1],[0],[1]", "-1 is outside 0...2147483647"),
        ("[1],[9],[0],[1]", "tree 3: categories_nodes: 9 is no node"),
        ("[1],[0],[0],[1]", "tree 3 node 0: has categories, but split_type is not 1"),
        ("[1],[1,1],[0,0],[1,1]", "tree 3 node 1: has categories twice"),
        (
            "[1],[1],[],[]",
            "tree 3: categories_nodes has 1 entries, but categories_segments 0 and "
                + "categories_sizes 0"
        ),
        ("[],[],[],[]", "tree 3 node 1: has no categories"),
    ])
    func `categories that lie are refused`(_ lists: String, _ problem: String) throws {
        let parts = lists.split(separator: "],").map { $0.hasSuffix("]") ? $0 : $0 + "]" }
        let message = try #require(
            refusalOfTreeThree {
                $0.splitType = "[0,1,0,0,0]"
                $0.more =
                    ",\"categories\":\(parts[0]),\"categories_nodes\":\(parts[1]),"
                    + "\"categories_segments\":\(parts[2]),\"categories_sizes\":\(parts[3])"
            })
        #expect(message.hasSuffix(problem))
    }

    @Test func `sets of categories of too many words are refused`() throws {
        var tree = XGBoostText.Tree()
        tree.splitType = "[0,1,0,0,0]"
        tree.more =
            ",\"categories\":[16777215],\"categories_nodes\":[1],\"categories_segments\":[0],"
            + "\"categories_sizes\":[1]"
        #expect(refusal(XGBoostText.ending(in: tree).json) == nil)
        var file = XGBoostText()
        file.trees = [XGBoostText.Tree](repeating: tree, count: 9)
        #expect(refusal(file.json) == "more than 4194304 words of category sets")
    }

    @Test(arguments: ["2", "-1", "2147483646"])
    func `a feature outside the row is refused`(_ feature: String) {
        #expect(
            refusalOfTreeThree { $0.splitIndices = "[0,\(feature),0,0,0]" }
                == "tree 3 node 1: feature \(feature) is outside 0..<2")
    }

    @Test func `columns of different lengths are refused`() {
        #expect(
            refusalOfTreeThree { $0.right = "[2,4,-1,-1]" }
                == "tree 3: left_children has 5 nodes, but right_children 4")
        #expect(
            refusalOfTreeThree { $0.splitConditions = "[1,2,3,4,5,6]" }
                == "tree 3: left_children has 5 nodes, but split_conditions 6")
        #expect(
            refusalOfTreeThree { $0.defaultLeft = "[]" }
                == "tree 3: left_children has 5 nodes, but default_left 0")
        #expect(
            refusalOfTreeThree { $0.nodeCount = "\"7\"" }
                == "tree 3: left_children has 5 nodes, but tree_param.num_nodes 7")
        #expect(
            refusalOfTreeThree {
                $0 = XGBoostText.Tree(
                    left: "[]", right: "[]", splitIndices: "[]", splitConditions: "[]",
                    defaultLeft: "[]", splitType: "[]", nodeCount: "\"0\"")
            } == "tree 3: has no nodes")
    }

    @Test func `a column that appears twice is refused`() throws {
        let message = try #require(refusalOfTreeThree { $0.more = ",\"left_children\":[0]" })
        #expect(message.hasSuffix("a key appears twice in its object"))
    }

    /// A tree whose splits hang one below the other.
    private func chain(_ depth: Int) -> XGBoostText.Tree {
        let count = 2 * depth + 1
        func column(_ value: (Int) -> String) -> String {
            "[" + (0..<count).map(value).joined(separator: ",") + "]"
        }
        let splits = 2 * depth
        return XGBoostText.Tree(
            left: column { $0 % 2 == 0 && $0 < splits ? "\($0 + 1)" : "-1" },
            right: column { $0 % 2 == 0 && $0 < splits ? "\($0 + 2)" : "-1" },
            splitIndices: column { _ in "0" },
            splitConditions: column { _ in "0" },
            defaultLeft: column { _ in "0" },
            splitType: column { _ in "0" },
            nodeCount: "\"\(count)\"")
    }
}
