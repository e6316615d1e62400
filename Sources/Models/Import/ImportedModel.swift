// SPDX-License-Identifier: Apache-2.0

/// What a reader made of a file, not yet verified.
enum ImportedModel {
    case trees(TreeEnsemble)
    case linear(LinearModel)
    case graph(Graph)
}
