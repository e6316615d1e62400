// SPDX-License-Identifier: Apache-2.0

//  Transport: event loops over TCP. Moves bytes, knows no protocol.
//
//  An `EventLoop` belongs to the thread that runs it and owns its listener, its connections and
//  their sessions. A turn waits for events, hands every session what arrived, and then sends what
//  each of them has to say, once.
//
//  Invariant: nothing here takes a lock or allocates per turn once the buffers have grown, except
//  that a mailbox takes its lock when it was rung.
//
//  Traps: only `LoopHandle` and `Mailbox` may be used from another thread. A session that learns
//  something from a mailbox must be named to `markDirty`, or its answer stays where it is.
//
//  ```swift
//  let loop = try EventLoop(configuration) { id in EchoSession() }
//  loop.run()                                          // until loop.handle.stop()
//  ```
