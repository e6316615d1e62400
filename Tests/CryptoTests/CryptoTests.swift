// SPDX-License-Identifier: Apache-2.0

import Crypto
import Testing

@Test func `SHA-256 of abc is the published digest`() {
    let digest = SHA256.digest(of: Array("abc".utf8).span)
    #expect(digest.prefix(4).elementsEqual([0xBA, 0x78, 0x16, 0xBF]))
    #expect(digest.suffix(2).elementsEqual([0x15, 0xAD]))
}

@Test func `a digest does not depend on how its input is cut`() {
    let bytes = (0..<1_000).map { UInt8(truncatingIfNeeded: $0) }
    var hasher = SHA256()
    hasher.update(bytes.span.extracting(first: 17))
    hasher.update(bytes.span.extracting(droppingFirst: 17))
    #expect(hasher.finish() == SHA256.digest(of: bytes.span))
}
