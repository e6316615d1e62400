// SPDX-License-Identifier: Apache-2.0

/// `value` with three significant digits or so: enough for what noise leaves of a measurement.
func format(_ value: Double) -> String {
    let size = abs(value)
    let digits = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3
    return format(value, digits: digits)
}

/// `value` with `digits` digits after the point.
func format(_ value: Double, digits: Int) -> String {
    guard value.isFinite, abs(value) < 1e15 else { return "-" }
    let scale = (0..<digits).reduce(1) { product, _ in product * 10 }
    let scaled = Int((abs(value) * Double(scale)).rounded())
    var text = "\(scaled / scale)"
    if digits > 0 {
        let fraction = "\(scaled % scale)"
        text += "." + String(repeating: "0", count: digits - fraction.count) + fraction
    }
    return (value < 0 && scaled > 0 ? "-" : "") + text
}

/// `text` moved to the right end of `width` columns.
func right(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
}

/// `text` at the left end of `width` columns.
func left(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
}
