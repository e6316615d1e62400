// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Demo

@Test func `export reads its options in any order and has defaults`() throws {
    let given = try DemoCommand(arguments: ["export", "--seed", "9", "--sessions", "20"])
    #expect(given == .export(sessions: 20, seed: 9))
    #expect(try DemoCommand(arguments: ["export"]) == .export(sessions: 50_000, seed: 1))
}

@Test func `a wrong command line is refused by the name of what is wrong`() {
    let cases: [([String], CommandError)] = [
        ([], .noCommand),
        (["fly"], .unknownCommand("fly")),
        (["export", "--speed", "1"], .unknownOption("--speed")),
        (["export", "--seed"], .noValue(option: "--seed")),
        (["export", "--seed", "-1"], .badValue(option: "--seed", expected: "a whole number")),
        (
            ["export", "--sessions", "0"],
            .badValue(option: "--sessions", expected: "1 to 10000000")
        ),
        (
            ["export", "--sessions", "10000001"],
            .badValue(option: "--sessions", expected: "1 to 10000000")
        ),
    ]
    for (arguments, error) in cases {
        #expect(throws: error) { try DemoCommand(arguments: arguments) }
    }
    #expect(throws: Never.self) {
        try DemoCommand(arguments: ["export", "--sessions", "10000000"])
    }
}
