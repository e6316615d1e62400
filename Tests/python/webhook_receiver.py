# SPDX-License-Identifier: Apache-2.0
"""A receiver of webhooks that checks signatures, and that can be made to misbehave.

    with Receiver(SECRET, answers=[status(500), status(200)]) as receiver:
        server = start_server(webhook_url=receiver.url, ...)
        ...
        post, = receiver.wait_for(1)
"""

import hashlib
import hmac
import json
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from kassa_process import eventually


class Post:
    """One POST as it arrived."""

    def __init__(self, handler, body, secret):
        self.at = time.monotonic()
        self.path = handler.path
        self.headers = handler.headers
        self.body = body
        self.id = handler.headers["Kassa-Event-Id"]
        self.type = handler.headers["Kassa-Event-Type"]
        self.attempt = int(handler.headers["Kassa-Attempt"])
        self.is_genuine = is_genuine(handler.headers["Kassa-Signature"], body, secret)

    @property
    def alarm(self):
        return json.loads(self.body)


def is_genuine(signature, body, secret, now=None):
    """Whether who signed has the secret and did so within the last minutes."""
    parts = dict(part.split("=", 1) for part in signature.split(","))
    message = parts["t"].encode() + b"." + body
    expected = hmac.new(secret, message, hashlib.sha256).hexdigest()
    age = abs((time.time() if now is None else now) - int(parts["t"]))
    return hmac.compare_digest(parts["v1"], expected) and age < 300


def status(code, **headers):
    """Answers with a status and headers; `Retry_After=1` becomes `Retry-After: 1`."""
    def answer(handler):
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), str(value))
        handler.send_header("Content-Length", "0")
        handler.end_headers()
    answer.is_whole = True
    return answer


def silence(seconds):
    """Takes the request and says nothing for so long."""
    return lambda handler: handler.server.is_closing.wait(seconds)


def dripping_body(seconds):
    """Says 200 at once and never comes to the end of its body."""
    def answer(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "1000000")
        handler.end_headers()
        end = time.monotonic() + seconds
        while time.monotonic() < end and not handler.server.is_closing.is_set():
            handler.wfile.write(b".")
            handler.wfile.flush()
            time.sleep(0.05)
    return answer


def endless_body(handler):
    """Says 200 and sends as much as is taken."""
    handler.send_response(200)
    handler.end_headers()
    while not handler.server.is_closing.is_set():
        handler.wfile.write(b"x" * 65_536)


class Receiver:
    """Listens on a port of the loopback; answers with `answers` in turn, then with 200."""

    def __init__(self, secret, answers=(), port=0, certificate=None):
        self.posts = []
        answers = list(answers)
        lock = threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with lock:
                    receiver.posts.append(Post(self, body, secret))
                    answer = answers.pop(0) if answers else status(200)
                try:
                    answer(self)
                except OSError:
                    pass
                # A body that was cut leaves nothing to go on with.
                if not getattr(answer, "is_whole", False):
                    self.close_connection = True

            def do_GET(self):
                with lock:
                    receiver.posts.append(None)
                status(200)(self)

            def log_message(self, *_):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.http.daemon_threads = True
        self.http.is_closing = threading.Event()
        self.port = self.http.server_port
        scheme = "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.http.socket = context.wrap_socket(self.http.socket, server_side=True)
            scheme = "https"
        self.url = f"{scheme}://127.0.0.1:{self.port}/alarms?to=shop"
        self.thread = threading.Thread(target=self.http.serve_forever, args=[0.05])

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.http.is_closing.set()
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()

    def wait_for(self, count, seconds=10):
        """The first `count` posts; fails if they do not come."""
        assert eventually(lambda: len(self.posts) >= count, seconds), (
            f"{len(self.posts)} posts instead of {count}")
        return self.posts[:count]
