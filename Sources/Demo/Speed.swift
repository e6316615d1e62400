// SPDX-License-Identifier: Apache-2.0

/// What the driver measured at its end of the connection.
struct Speed: Hashable {
    /// From the call of Score to its answer.
    var scoreMedianMicroseconds: Double
    var scorePercentile99Microseconds: Double
    /// From the call of Write to its acknowledgement.
    var writeMedianMicroseconds: Double
    var writePercentile99Microseconds: Double
    var scoresPerSecond: Double
    var writesPerSecond: Double
}
