// SPDX-License-Identifier: Apache-2.0

import Base
import Wire

func quick(_ port: UInt16, get: Bool, c: Int, m: Int, spins: Bool, rate: Int) throws {
    var plan = LoadPlan(port: port, call: get ? .get(path: "/100") : .unary(path: "/echo.Echo/Unary"))
    plan.connections = c
    plan.streams = m
    plan.spins = spins
    if rate > 0 { plan.arrival = .openLoop(perSecond: rate) }
    var table = RequestTable()
    for i in 0..<1000 { table.add { $0.uint64(1, UInt64(i + 1)); $0.string(2, "some text for it") } }
    var generator = try LoadGenerator(plan)
    let r = try generator.run(table)
    print(c, m, Int(r.perSecond), "p50", r.microseconds(0.5), "p99", r.microseconds(0.99), "p99.9", r.microseconds(0.999), "max", r.microseconds(1), r.failure ?? "ok")
}
let a = CommandLine.arguments.dropFirst().map { $0 }
try quick(UInt16(a[0])!, get: a[1] == "get", c: Int(a[2])!, m: Int(a[3])!, spins: a[4] == "spin", rate: Int(a[5])!)
