// SPDX-License-Identifier: Apache-2.0

import Models

/// Imports an XGBoost JSON model from an array or a text.
func importModel(_ bytes: [UInt8]) throws(ImportError) -> CompiledModel {
    try CompiledModel(importing: bytes.span, format: .xgboostJSON)
}

func importModel(_ text: String) throws(ImportError) -> CompiledModel {
    try importModel(Array(text.utf8))
}

extension CompiledModel {
    func margin(ofRow row: [Float]) -> Float {
        margin(of: row.span)
    }
}
