// SPDX-License-Identifier: Apache-2.0

import Base
import Metrics
import Testing
import Webhook

private let secret = [UInt8](repeating: 0x6B, count: 16)

private func refusal(
    _ url: String, secret: [UInt8] = secret, timeout: Int = 5_000
) -> WebhookError? {
    var settings = WebhookSettings(url: url, secret: secret)
    settings.timeoutMilliseconds = timeout
    do throws(WebhookError) {
        try Webhook(settings).stop()
        return nil
    } catch {
        return error
    }
}

@Test func `only http and https with a host are taken`() {
    for url in ["http://localhost:1/x", "HTTPS://h", "http://[::1]:80/a?b#c"] {
        #expect(refusal(url) == nil)
    }
    for url in [
        "", "h", "file:///etc/passwd", "gopher://h/", "ftp://h/", "http:/h", "http://", "http:///x",
        "http://:80/", "http://?x", "http://u:p@h/", "http://h/\r\nX: y", "http://h/ x",
        "http://hé/",
    ] {
        let error = refusal(url)
        #expect(error != nil, "\(url)")
        // What may hold a token is not repeated.
        if !url.isEmpty, url != "h" { #expect(error.map { !"\($0)".contains(url) } == true) }
    }
}

@Test func `settings are refused beyond their limits and not before`() {
    let base = "http://h/"
    let longest = base + String(repeating: "x", count: WebhookLimits.urlByteCountMax - base.count)
    #expect(refusal(longest) == nil)
    #expect(refusal(longest + "x") != nil)
    let secrets = WebhookLimits.secretByteCounts
    for (count, isRefused) in [
        (secrets.lowerBound - 1, true), (secrets.lowerBound, false), (secrets.upperBound, false),
        (secrets.upperBound + 1, true),
    ] {
        let error = refusal(base, secret: [UInt8](repeating: 1, count: count))
        #expect(error == (isRefused ? .secret(byteCount: count) : nil))
    }
    let timeouts = WebhookLimits.timeoutMilliseconds
    for (milliseconds, isRefused) in [
        (timeouts.lowerBound - 1, true), (timeouts.lowerBound, false),
        (timeouts.upperBound, false), (timeouts.upperBound + 1, true),
    ] {
        let error = refusal(base, timeout: milliseconds)
        #expect(error == (isRefused ? .timeout(milliseconds: milliseconds) : nil))
    }
}

@Test func `a signature is the one that anybody else computes`() {
    // openssl dgst -sha256 -hmac kassa-test-secret, over "1700000000.{}"
    let header = WebhookSignature.header(
        body: Array("{}".utf8), secret: Array("kassa-test-secret".utf8), unixSeconds: 1_700_000_000)
    #expect(
        header
            == "t=1700000000,v1=080a8868a88422bf2d8f567d5a216f59025ee4e257fb04a47e5dcd7e3f636b87")
}

@Test func `an event that cannot be delivered is dropped when the webhook ends`() throws {
    // Port 1 of the loopback refuses.
    let webhook = try Webhook(WebhookSettings(url: "http://127.0.0.1:1/", secret: secret))
    for number in 0..<3 {
        webhook.post(WebhookEvent(id: "\(number)", type: "alarm.frozen", body: [0x7B, 0x7D]))
    }
    webhook.stop(waitMilliseconds: 500)
    webhook.post(WebhookEvent(id: "late", type: "alarm.frozen", body: []))
    var snapshot = MetricSnapshot()
    webhook.metrics.collect(into: &snapshot)
    let family = try #require(
        webhook.metrics.families.first { $0.name == "kassa_webhook_events_total" })
    let counts = snapshot.samples(of: family).map { sample in
        if case .count(let count) = sample.value { count } else { UInt64.max }
    }
    // Delivered, dropped, failed.
    #expect(counts == [0, 4, 0])
}

@Test func `a body is taken up to its limit`() async {
    let limit = WebhookLimits.bodyByteCountMax
    #expect(
        WebhookEvent(id: "a", type: "b", body: [UInt8](repeating: 0, count: limit)).body.count
            == limit)
    await #expect(processExitsWith: .failure) {
        _ = WebhookEvent(
            id: "a", type: "b",
            body: [UInt8](repeating: 0, count: WebhookLimits.bodyByteCountMax + 1))
    }
}

@Test func `what would end a header is no id and no type`() async {
    await #expect(processExitsWith: .failure) {
        _ = WebhookEvent(id: "a\r\nX: y", type: "b", body: [])
    }
    await #expect(processExitsWith: .failure) {
        _ = WebhookEvent(id: "a", type: "", body: [])
    }
}
