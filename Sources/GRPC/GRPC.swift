// SPDX-License-Identifier: Apache-2.0

//  GRPC: HTTP/2 sessions and gRPC calls without I/O, on nghttp2.
//
//  Bytes go in with `receive`, calls come out of `nextEvent`, bytes to send come out of `produce`.
//  The module never reads a clock and never touches a socket; whoever drives it passes the time in.
//
//  Invariant: a handler sees only valid calls. Whatever is wrong with a request (its headers, its
//  framing, its deadline, its size) is answered here, and no call ends with status 0 before a whole
//  message of it was framed.
//
//  Traps: a session belongs to one thread. `Call` is lent until the next `nextEvent`; keep its `id`
//  and look it up with `call(_:)` when the answer comes later. Drain `nextEvent` after every
//  `receive` and every `tick`.
//
//  ```swift
//  _ = session.receive(bytes, now: now)
//  while let event = session.nextEvent() {
//      guard case .message(let call) = event else { continue }
//      session.reply(call, message: call.message)
//      session.finish(call, status: .ok)
//  }
//  session.produce(into: &output, now: now)
//  ```
