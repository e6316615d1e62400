// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Demo

@Test func `export reads its options in any order and has defaults`() throws {
    let given = try DemoCommand(arguments: ["export", "--seed", "9", "--sessions", "20"])
    #expect(given == .export(sessions: 20, seed: 9))
    #expect(try DemoCommand(arguments: ["export"]) == .export(sessions: 50_000, seed: 1))
}

@Test func `live and run have defaults, and options of their own`() throws {
    #expect(
        try DemoCommand(arguments: ["live"])
            == .live(server: "127.0.0.1:6750", sessions: 5_000, seed: 7))
    #expect(
        try DemoCommand(arguments: ["live", "--seed", "3", "--server", "h:1", "--sessions", "9"])
            == .live(server: "h:1", sessions: 9, seed: 3))
    #expect(
        try DemoCommand(arguments: ["run"])
            == .run(
                kassa: nil, configuration: "Sources/Demo/Configuration", sessions: 5_000, seed: 7))
    #expect(
        try DemoCommand(arguments: ["run", "--kassa", "/k", "--configuration", "c"])
            == .run(kassa: "/k", configuration: "c", sessions: 5_000, seed: 7))
}

@Test func `a wrong command line is refused by the name of what is wrong`() {
    let cases: [([String], CommandError)] = [
        ([], .noCommand),
        (["fly"], .unknownCommand("fly")),
        (["export", "--speed", "1"], .unknownOption("--speed")),
        (["export", "--server", "h:1"], .unknownOption("--server")),
        (["live", "--kassa", "x"], .unknownOption("--kassa")),
        (["run", "--kassa"], .noValue(option: "--kassa")),
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
