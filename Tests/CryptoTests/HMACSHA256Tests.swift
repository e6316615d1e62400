// SPDX-License-Identifier: Apache-2.0

import Crypto
import Testing

/// Test cases of RFC 4231.
@Test(arguments: [
    (
        [UInt8](repeating: 0x0B, count: 20), "Hi There",
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
    ),
    (
        Array("Jefe".utf8), "what do ya want for nothing?",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    ),
    (
        [UInt8](repeating: 0xAA, count: 131),
        "Test Using Larger Than Block-Size Key - Hash Key First",
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
    ),
]) func `HMAC gives the published codes`(key: [UInt8], message: String, code: String) {
    let bytes = Array(message.utf8)
    #expect(hexadecimal(HMACSHA256.code(of: bytes.span, key: key.span)) == code)
}

@Test func `an empty message and an empty key have a code`() {
    let nothing: [UInt8] = []
    #expect(
        hexadecimal(HMACSHA256.code(of: nothing.span, key: nothing.span))
            == "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad")
}
