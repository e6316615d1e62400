// SPDX-License-Identifier: Apache-2.0

extension PreparedWrite {
    /// About how many bytes of keys and values the rows come to: what queues are bounded by.
    package var byteCount: Int {
        let layout = set.newestLayout
        let rowByteCount = layout.timesStart + columns.count * 8
        return keys.count + texts.count + rowCount * rowByteCount
    }
}
