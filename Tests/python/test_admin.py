# SPDX-License-Identifier: Apache-2.0
"""The admin port: metrics that Prometheus takes and that move with the traffic, and the probes."""

import http.client
import math
import pathlib
import shutil
import socket
import subprocess
import sys
import threading
import time

import grpc
import pytest

import client as shop
from client import Client, refusal
from frames import Connection, message
from kassa_process import eventually


@pytest.fixture(scope="module")
def kassa(server):
    client = Client(server.address)
    shop.set_up_shop(client)
    yield client
    client.close()


def get(server, path, method="GET", headers=None):
    """Status, headers and text of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", server.admin_port, timeout=10)
    try:
        connection.request(method, path, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read().decode()
    finally:
        connection.close()


def metrics(server):
    """Every sample by its name with labels, 'kassa_config_epoch' or 'a_total{b="c"}'."""
    status, headers, text = get(server, "/metrics")
    assert status == 200 and headers["Content-Type"].startswith("text/plain")
    samples = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            name, value = line.rsplit(" ", 1)
            assert name not in samples, f"{name} is there twice"
            samples[name] = float(value)
    return samples


def moved(before, after):
    """The samples that grew, by how much."""
    return {
        name: value - before.get(name, 0) for name, value in after.items()
        if value > before.get(name, 0)
    }


def requests(method, code):
    return f'kassa_rpc_requests_total{{method="kassa.v1.{method}",code="{code}"}}'


def test_promtool_finds_nothing_to_complain_about(server, kassa):
    if shutil.which("promtool") is None:
        pytest.skip("needs promtool of the package prometheus")
    kassa.scoring.Score(shop.score("cart_abandonment", ""), timeout=10)
    refusal(kassa.scoring.Score, shop.score("nobody", ""))
    text = get(server, "/metrics")[2]
    result = subprocess.run(
        ["promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=30)
    assert (result.returncode, result.stdout + result.stderr) == (0, "")


def test_a_real_prometheus_scrapes_it(server, kassa):
    if shutil.which("prometheus") is None:
        pytest.skip("needs prometheus")
    for _ in range(3):
        kassa.scoring.Score(shop.score("cart_abandonment", ""), timeout=10)
    epoch = metrics(server)["kassa_config_epoch"]
    script = pathlib.Path(__file__).parent / "prometheus_scrape.py"
    result = subprocess.run(
        [sys.executable, script, "--port", str(server.admin_port), "up=1", "kassa_build_info=1",
         f"kassa_config_epoch={epoch:g}", 'kassa_scores_total{scorer="cart_abandonment"}>2',
         f'{requests("Scoring/Score", "OK")}>2', "kassa_store_writable=1",
         "process_resident_memory_bytes>1000000",
         'histogram_quantile(0.5, kassa_rpc_duration_seconds_bucket'
         '{method="kassa.v1.Scoring/Score",code="OK"})>0'],
        capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stdout + result.stderr


def test_requests_are_counted_by_method_and_code(server, kassa):
    before = metrics(server)
    for _ in range(7):
        kassa.scoring.Score(shop.score("cart_abandonment", ""), timeout=10)
    for _ in range(3):
        refusal(kassa.scoring.Score, shop.score("nobody", ""))
    refusal(kassa.features.Read, shop.read("profile", ids=[""]))
    kassa.features.Read(shop.read("profile", ids=["a"]), timeout=10)
    list(kassa.scoring.ScoreStream(iter([shop.score("cart_abandonment", "")] * 4), timeout=10))
    grown = moved(before, metrics(server))
    counted = {name: value for name, value in grown.items() if "kassa_rpc_requests" in name}
    assert counted == {
        requests("Scoring/Score", "OK"): 7, requests("Scoring/Score", "NOT_FOUND"): 3,
        requests("Features/Read", "INVALID_ARGUMENT"): 1, requests("Features/Read", "OK"): 1,
        requests("Scoring/ScoreStream", "OK"): 1,
    }
    assert grown['kassa_scores_total{scorer="cart_abandonment",slot="STABLE"}'] == 11
    assert grown['kassa_degraded_features_total{status="NO_ENTITY"}'] == 11 * shop.SIGNALS
    duration = 'kassa_rpc_duration_seconds_{}{{method="kassa.v1.Scoring/Score",code="OK"{}}}'
    assert grown[duration.format("count", "")] == 7
    assert grown[duration.format("bucket", ',le="+Inf"')] == 7
    assert 0 < grown[duration.format("sum", "")] < 7


def test_rows_are_counted_by_what_became_of_them(server, kassa):
    kassa.features.Write(
        shop.write("profile", ["m"], shop.column("visits", "integers", [1]), event_time_us=[9]),
        timeout=10)
    before = metrics(server)
    answer = kassa.features.Write(
        shop.write("profile", ["m", "n", "o", "p"],
                   shop.column("price", "floats", [1, 2, math.nan, 4]),
                   shop.column("visits", "integers", [1, 2, 3, 4]),
                   event_time_us=[9, 9, 9, 9]), timeout=10)
    assert (answer.applied, answer.ignored_older, len(answer.errors)) == (3, 0, 1)
    answer = kassa.features.Write(
        shop.write("profile", ["n"], shop.column("visits", "integers", [0]), event_time_us=[8]),
        timeout=10)
    assert answer.ignored_older == 1
    grown = moved(before, metrics(server))
    outcome = 'kassa_features_rows_written_total{{outcome="{}"}}'
    assert grown[outcome.format("applied")] == 3
    assert grown[outcome.format("ignored_older")] == 1
    assert grown[outcome.format("refused")] == 1
    assert grown['kassa_store_entries{table="rows"}'] == 2
    assert grown["kassa_store_group_commits_total"] >= 1


def test_loops_count_turns_bytes_and_connections(server, kassa):
    before = metrics(server)
    with Connection(server.port) as connection:
        reply = connection.call("/grpc.health.v1.Health/Check", message(b""))
        assert reply.status == 0

        def open_connections():
            now = metrics(server)
            return sum(
                now[name] - before[name] for name in now if "kassa_loop_connections{" in name)

        assert open_connections() == 1
        grown = moved(before, metrics(server))
        for name in ("turns_total", "busy_seconds_total", "bytes_received_total",
                     "bytes_sent_total", "connections_accepted_total"):
            assert sum(grown.get(f'kassa_loop_{name}{{loop="{loop}"}}', 0)
                       for loop in range(64)) > 0, name
    assert eventually(lambda: open_connections() == 0)
    # An idle server sleeps; a client may still say something about its windows.
    time.sleep(0.2)
    before = metrics(server)
    time.sleep(0.3)
    grown = moved(before, metrics(server))
    assert sum(grown.get(f'kassa_loop_turns_total{{loop="{loop}"}}', 0) for loop in range(64)) < 5


def test_the_epoch_is_that_of_the_configuration(server, kassa):
    before = metrics(server)["kassa_config_epoch"]
    answer = kassa.apply(
        shop.feature_set("admin_test", ["item"], shop.feature("price", "FLOAT32")))
    assert answer.epoch == before + 1 == metrics(server)["kassa_config_epoch"]


def test_names_of_clients_never_become_labels(server, kassa):
    for number in range(20):
        refusal(kassa.scoring.Score, shop.score(f"canary7_{number}", f"canary7-{number}"))
        kassa.features.Write(
            shop.write("profile", [f"canary7-{number}"], shop.column("visits", "integers", [1])),
            timeout=10)
    with Connection(server.port) as connection:
        assert connection.call("/canary7.Service/Method", message(b"")).status == 12
    assert "canary7" not in get(server, "/metrics")[2]


def test_the_pages_are_what_they_say(server, kassa):
    assert get(server, "/healthz")[::2] == (200, "ok\n")
    assert get(server, "/readyz")[::2] == (200, "ready\n")
    assert get(server, "/healthz?x=1")[0] == 200
    status, headers, text = get(server, "/")
    assert status == 200 and "/metrics" in text
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    status, _, text = get(server, "/canary7")
    assert status == 404 and "canary7" not in text
    for path in ("/../etc/passwd", "/metrics/", "//metrics", "/%2e%2e/etc/passwd"):
        assert get(server, path)[0] == 404
    status, _, text = get(server, "/metrics", "HEAD")
    assert (status, text) == (200, "")
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert get(server, "/metrics", method)[0] == 405
    assert get(server, "/" + "x" * 100_000)[0] in (400, 404, 414, 431)
    assert get(server, "/healthz")[0] == 200


def test_strangers_on_the_admin_port_do_no_harm(server, kassa):
    for sent in (b"\0" * 1_000, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET /" + b"x" * 50_000,
                 b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
                 b"POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\nx"):
        with socket.create_connection(("127.0.0.1", server.admin_port), timeout=5) as stranger:
            try:
                stranger.sendall(sent)
                stranger.shutdown(socket.SHUT_WR)
                while stranger.recv(1 << 16):
                    pass
            except OSError:
                # It was closed or reset before we had said all.
                pass
    assert get(server, "/healthz")[0] == 200


def test_scrapes_at_once_are_all_answered(server, kassa):
    answers = []

    def scrape():
        for _ in range(10):
            answers.append(get(server, "/metrics")[0])

    threads = [threading.Thread(target=scrape) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 80


def test_a_second_signal_ends_a_drain(start_server):
    """Whoever asks twice does not wait for the 30 s that open calls have."""
    server = start_server()
    with Connection(server.port) as connection:
        connection.request("/kassa.v1.Features/WriteStream", b"", end=False)
        connection.until(lambda: False, 0.2)
        server.terminate()
        assert eventually(lambda: get(server, "/readyz")[0] == 503)
        server.terminate()
        assert server.wait(5) == 128 + 15


def test_a_draining_server_is_not_ready(start_server):
    """While an open call keeps it: not ready, but alive, and still showing its metrics."""
    server = start_server()
    client = Client(server.address)
    shop.set_up_shop(client)
    client.close()
    with Connection(server.port) as connection:
        stream = connection.request("/kassa.v1.Scoring/ScoreStream", b"", end=False)
        connection.until(lambda: False, 0.2)
        server.terminate()
        assert eventually(lambda: get(server, "/readyz")[0] == 503)
        assert "draining" in get(server, "/readyz")[2]
        assert get(server, "/healthz")[0] == 200
        assert get(server, "/metrics")[0] == 200
        with pytest.raises(ConnectionError):
            Connection(server.port).socket.close()
        connection.send(connection.data(stream, b"", end=True))
        assert connection.reply(stream).status == 0
        assert connection.wait_for_close()
    assert server.wait() == 0
    with pytest.raises(ConnectionError):
        get(server, "/healthz")


@pytest.mark.parametrize("idle", [0, 8], ids=["loops without a client", "clients that say nothing"])
def test_no_snapshot_is_held_while_nobody_asks(start_server, idle):
    """A pinned snapshot would keep every page that later commits replace: the file would only grow."""
    server = start_server(loops=4, map_gib=1)
    client = Client(server.address)
    shop.set_up_shop(client)
    readers = [Client(server.address, grpc.insecure_channel(
        server.address, [("grpc.use_local_subchannel_pool", 1)])) for _ in range(idle)]
    for reader in readers:
        reader.scoring.Score(shop.score("cart_abandonment", ""), timeout=10)

    def write_all(value):
        ids = [f"g-{row}" for row in range(1_000)]
        for _ in range(30):
            client.features.Write(
                shop.write("profile", ids, shop.column("visits", "integers", [value] * 1_000)),
                timeout=20)

    write_all(1)
    before = metrics(server)["kassa_store_used_bytes"]
    write_all(2)
    after = metrics(server)
    assert after["kassa_store_used_bytes"] <= before * 1.2
    assert after["kassa_store_reader_lag"] == 0
    for reader in [*readers, client]:
        reader.close()
