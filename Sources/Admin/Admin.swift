// SPDX-License-Identifier: Apache-2.0
//
// Admin: the HTTP/1.1 port for people and machines that watch the process.
//
// `/metrics` for Prometheus, `/healthz` and `/readyz` for whatever starts and routes to the process,
// `/` names them. It only reads: GET and HEAD, no body, nothing that changes state. libmicrohttpd
// serves it on a thread of its own, so that a scrape never takes a loop's time.
//
// Invariant: an answer is computed from what the closures of `AdminPages` give at that moment.
// Traps: the closures run on libmicrohttpd's thread and must not wait for a loop. There is no
// authentication: the address is loopback unless the operator says otherwise. The thread inherits
// the signal mask of the thread that starts it.
//
//     let admin = try AdminServer.start(address: "127.0.0.1", port: 9090, pages: pages)
//     print(admin.port)
//     admin.stop()
