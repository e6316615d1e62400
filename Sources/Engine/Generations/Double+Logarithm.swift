// SPDX-License-Identifier: Apache-2.0

internal import Glibc

extension Double {
    /// The natural logarithm. `log`.
    static func logarithm(_ value: Double) -> Double {
        log(value)
    }
}
