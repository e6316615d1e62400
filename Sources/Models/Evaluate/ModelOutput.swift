// SPDX-License-Identifier: Apache-2.0

/// What the numbers that a model predicts are.
package struct ModelOutput: Sendable, Equatable {
    /// The kinds of prediction.
    package enum Kind: Sendable {
        /// Numbers of any size: regressions, rankings, raw margins. One per target.
        case value
        /// The probability of the positive class.
        case probability
        /// One probability or score per class.
        case classes
        /// The number of a class.
        case label
    }

    /// What the predictions are.
    package let kind: Kind
    /// Predictions of a row.
    package let count: Int
    /// The names of the classes, in the order of the predictions; empty if the file has none.
    package let classNames: [String]

    /// Which prediction is the score of a model that is asked for one number: the positive class of
    /// two, else the first.
    package var scoreIndex: Int { kind == .classes && count == 2 ? 1 : 0 }

    init(kind: Kind, count: Int, classNames: [String] = []) {
        self.kind = kind
        self.count = count
        self.classNames = classNames
    }

    init(_ link: Link, margins: Int) {
        let kind: Kind =
            switch link {
            case .logistic, .scaledLogistic: margins == 1 ? .probability : .classes
            case .softmax: .classes
            case .largestIndex, .step: .label
            case .identity, .exponential, .softplus, .signedSquare: .value
            }
        self.init(kind: kind, count: link.predictionCount(margins: margins))
    }
}
