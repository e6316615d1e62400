// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Wire

/// How far the load of a generation has come.
enum LoadProgress {
    /// The stored progress of generation `id`, or the begin of it.
    static func decode(_ bytes: Span<UInt8>?, _ id: UInt64) -> KassaStorageV1.StoredLoadProgress {
        if let bytes, let stored = try? KassaStorageV1.StoredLoadProgress(decoding: bytes),
            stored.id == id
        {
            return stored
        }
        return KassaStorageV1.StoredLoadProgress(id: id)
    }
}
