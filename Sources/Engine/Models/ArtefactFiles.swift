// SPDX-License-Identifier: Apache-2.0

internal import Crypto
internal import Files
internal import Models

/// The folder of model artefacts: immutable files, each named by the SHA-256 of its bytes.
///
/// What is read back is checked against its name, so a damaged file is never a model.
package struct ArtefactFiles: Sendable {
    /// Bytes of the largest artefact.
    package static let byteCountMax = ImportLimits.fileBytesMax

    private let folder: String

    /// The artefacts in `folder`, which is made if it is missing; leftovers of an interrupted
    /// upload are removed.
    package init(folder: String) throws(EngineError) {
        self.folder = folder
        do throws(FileError) {
            try Files.makeFolder(folder)
            for name in try Files.names(in: folder) where name.hasSuffix(Files.temporarySuffix) {
                try Files.remove("\(folder)/\(name)")
            }
        } catch {
            throw EngineError(.unavailable, error.description)
        }
    }

    /// The artefacts in `folder`, which is only read.
    init(existing folder: String) {
        self.folder = folder
    }

    /// Where the artefact `digest` is.
    func path(_ digest: [UInt8]) -> String {
        "\(folder)/\(hexadecimal(digest))"
    }

    /// Its path below a data folder.
    static func name(_ digest: [UInt8]) -> String {
        "bundles/\(hexadecimal(digest))"
    }

    /// Stores `bytes` under their `digest`, durably.
    package func write(_ bytes: Span<UInt8>, digest: [UInt8]) throws(EngineError) {
        do throws(FileError) {
            try Files.write(bytes, to: path(digest))
        } catch {
            throw EngineError(.unavailable, error.description)
        }
    }

    /// The bytes of the artefact `digest`, verified.
    package func read(digest: [UInt8]) throws(EngineError) -> [UInt8] {
        let bytes: [UInt8]
        do throws(FileError) {
            bytes = try Files.read(path(digest), byteCountMax: Self.byteCountMax)
        } catch {
            throw EngineError(.dataLoss, error.description)
        }
        guard SHA256.digest(of: bytes.span) == digest else {
            throw EngineError(
                .dataLoss, "\(path(digest)) is damaged: its SHA-256 differs from its name")
        }
        return bytes
    }

    /// Removes the artefacts that are none of `digests`; one that cannot be removed stays.
    package func removeAll(except digests: [[UInt8]]) {
        let named = Set(digests.map(hexadecimal))
        for name in (try? Files.names(in: folder)) ?? [] {
            guard name.utf8.count == 2 * SHA256.byteCount, !named.contains(name) else { continue }
            try? Files.remove("\(folder)/\(name)")
        }
    }

    /// Removes the artefact `digest`; a missing one is no error.
    package func remove(digest: [UInt8]) throws(EngineError) {
        do throws(FileError) {
            try Files.remove(path(digest))
        } catch {
            throw EngineError(.unavailable, error.description)
        }
    }
}
