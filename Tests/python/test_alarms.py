# SPDX-License-Identifier: Apache-2.0
"""Alarms: by webhook, in the log and in the metrics.

What gives cause for them is real: an artefact of the store is damaged, and a look at it asked for, which raises
`store_damage`; repaired and looked at again, the alarm is cleared.
"""

import contextlib
import fcntl
import os
import re
import socket
import subprocess
import time

import pytest

import client as shop
from client import Client
from kassa_process import ROOT, Server, binary, command, eventually
from test_admin import metrics
from webhook_receiver import Receiver, dripping_body, endless_body, silence, status

SECRET = b"a secret of more than sixteen bytes"
RULES = ROOT / "clients/prometheus"


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    """A proxy of the environment is none for the loopback."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")


@pytest.fixture
def secret_file(tmp_path):
    path = tmp_path / "webhook.secret"
    path.write_bytes(SECRET + b"\n")
    path.chmod(0o600)
    return path


class Shop:
    """A server whose store can be damaged and repaired."""

    def __init__(self, server):
        self.server = server
        client = Client(server.address)
        shop.set_up_shop(client)
        client.close()
        (self.artefact,) = (server.folder / "bundles").iterdir()
        self.content = self.artefact.read_bytes()

    def _verify(self, code):
        result = subprocess.run(
            [binary(), "store", "verify", "--server", self.server.address],
            capture_output=True, text=True, timeout=60)
        assert result.returncode == code, result.stdout + result.stderr

    def damage(self):
        self.artefact.write_bytes(bytes([self.content[0] ^ 1]) + self.content[1:])
        self._verify(1)

    def repair(self):
        self.artefact.write_bytes(self.content)
        self._verify(0)

    def count(self, name):
        return metrics(self.server)[name]


@pytest.fixture
def start_shop(start_server, secret_file):
    """Starts a shop that posts to `url`."""
    def start(url, **flags):
        return Shop(start_server(
            map_gib=1, scrub_hours=0, webhook_url=url, webhook_secret_file=secret_file, **flags))
    return start


def alarm_lines(server):
    prefix = "kassa: alarm "
    return [line[len(prefix):].rstrip("\n") for line in server.output if line.startswith(prefix)]


def of_kind(posts, kind="store_damage"):
    """The machine's own disk may be full, which is an alarm too."""
    return [post for post in posts if post and post.type == f"alarm.{kind}"]


def wait_for(receiver, count, seconds=15):
    assert eventually(lambda: len(of_kind(receiver.posts)) >= count, seconds), (
        [(post.type, post.attempt) for post in receiver.posts])
    return of_kind(receiver.posts)[:count]


EVENTS = 'kassa_webhook_events_total{{outcome="{}"}}'.format
ATTEMPTS = 'kassa_webhook_attempts_total{{result="{}"}}'.format


def test_an_alarm_is_a_sentence_for_people(start_server):
    kassa = Shop(start_server(map_gib=1, scrub_hours=0, alarm_log="text"))
    mark = "kassa: alarm, store damage: The last look at every entry of the store found damage"
    kassa.damage()
    assert eventually(lambda: any(line.startswith(mark) for line in kassa.server.output)), (
        kassa.server.output)
    assert alarm_lines(kassa.server) == []
    kassa.repair()
    assert eventually(lambda: any("store damage (over):" in line for line in kassa.server.output))


def test_damage_is_told_where_it_begins_and_where_it_ends(start_shop):
    with Receiver(SECRET) as receiver:
        kassa = start_shop(receiver.url)
        kassa.damage()
        wait_for(receiver, 1)
        # A second look that finds the same is no second alarm.
        kassa.damage()
        time.sleep(1.5)
        assert len(of_kind(receiver.posts)) == 1
        kassa.repair()
        raised, cleared = wait_for(receiver, 2)
    for post in raised, cleared:
        assert post.is_genuine and post.attempt == 1 and post.path == "/alarms?to=shop"
        assert post.headers["Content-Type"] == "application/json"
        assert re.fullmatch(r"kassa/\d+\.\d+\.\d+", post.headers["User-Agent"])
        assert post.headers["Kassa-Signature"].startswith("t=")
        assert re.fullmatch("[0-9a-f]{32}", post.id)
        assert post.alarm["id"] == post.id
        assert post.alarm["kind"] == "store_damage"
        assert abs(post.alarm["at_us"] / 1e6 - time.time()) < 60
        assert post.alarm["server"] == f"{socket.gethostname()}:{kassa.server.port}"
    assert raised.id != cleared.id
    assert (raised.alarm["state"], cleared.alarm["state"]) == ("raised", "cleared")
    assert "found damage" in raised.alarm["reason"]
    # The log has the same, to the byte.
    lines = [line for line in alarm_lines(kassa.server) if "store_damage" in line]
    assert lines == [raised.body.decode(), cleared.body.decode()]
    assert kassa.count('kassa_alarms_total{kind="store_damage"}') == 1
    assert kassa.count('kassa_alarms_total{kind="rolled_back"}') == 0
    assert kassa.count("kassa_alarm_log_lines_dropped_total") == 0
    assert eventually(lambda: kassa.count(EVENTS("delivered")) >= 2)
    assert kassa.count(EVENTS("failed")) == kassa.count(EVENTS("dropped")) == 0
    assert kassa.count("kassa_webhook_queue_length") == 0


def test_without_a_webhook_alarms_are_in_the_log(start_server):
    kassa = Shop(start_server(map_gib=1, scrub_hours=0))
    kassa.damage()
    assert eventually(lambda: any("store_damage" in line for line in alarm_lines(kassa.server)))
    assert not [name for name in metrics(kassa.server) if "webhook" in name]


def test_a_busy_receiver_is_asked_again_with_the_same_id(start_shop):
    answers = [status(500), status(429, Retry_After=2), status(503), status(408)]
    with Receiver(SECRET, answers) as receiver:
        kassa = start_shop(receiver.url)
        kassa.damage()
        posts = receiver.wait_for(5, 30)
        if len({post.id for post in posts}) > 1:
            pytest.skip("the machine has alarms of its own")
        assert eventually(lambda: kassa.count(EVENTS("delivered")) == 1)
        time.sleep(1)
        assert len(receiver.posts) == 5
    assert [post.attempt for post in posts] == [1, 2, 3, 4, 5]
    assert len({post.body for post in posts}) == 1
    assert all(post.is_genuine for post in posts)
    # Signed anew: the first and the last are seconds apart.
    assert len({post.headers["Kassa-Signature"] for post in posts}) > 1
    rests = [later.at - earlier.at for earlier, later in zip(posts, posts[1:])]
    assert 0.2 < rests[0] and 2 <= rests[1] and 0.9 < rests[2] and 1.9 < rests[3]
    assert kassa.count(ATTEMPTS("refused")) == 4
    assert kassa.count(ATTEMPTS("delivered")) == 1


@pytest.mark.parametrize("code", [400, 401, 404, 410, 301, 302, 307, 308])
def test_a_refusal_is_final_and_no_redirect_is_followed(start_shop, code):
    with Receiver(SECRET) as elsewhere:
        answer = status(code, Location=elsewhere.url)
        with Receiver(SECRET, [answer]) as receiver:
            kassa = start_shop(receiver.url)
            kassa.damage()
            wait_for(receiver, 1)
            assert eventually(lambda: kassa.count(EVENTS("failed")) == 1)
            time.sleep(1)
            assert len(of_kind(receiver.posts)) == 1
            # The next alarm is posted all the same.
            kassa.repair()
            wait_for(receiver, 2)
        assert elsewhere.posts == []


@pytest.mark.parametrize(
    "answer", [silence(20), dripping_body(20)], ids=["no answer", "a body without end"])
def test_a_slow_receiver_is_given_up_and_asked_again(start_shop, answer):
    with Receiver(SECRET, [answer]) as receiver:
        kassa = start_shop(receiver.url, webhook_timeout_ms=400)
        kassa.damage()
        first, second = wait_for(receiver, 2)
        assert first.id == second.id and second.attempt == 2
        assert 0.4 + 0.2 < second.at - first.at < 5
        assert eventually(lambda: kassa.count(EVENTS("delivered")) >= 1)
        assert kassa.count(ATTEMPTS("unreachable")) == 1


def test_of_an_endless_answer_only_the_beginning_is_read(start_shop):
    with Receiver(SECRET, [endless_body]) as receiver:
        kassa = start_shop(receiver.url, webhook_timeout_ms=20_000)
        before = kassa.server.memory_bytes()
        kassa.damage()
        wait_for(receiver, 1)
        assert eventually(lambda: kassa.count(EVENTS("delivered")) >= 1)
        assert kassa.server.memory_bytes() - before < 32 << 20
        kassa.repair()
        assert [post.attempt for post in wait_for(receiver, 2)] == [1, 1]


def test_a_receiver_that_comes_back_gets_what_waited(start_shop):
    with Receiver(SECRET) as receiver:
        port = receiver.port
    kassa = start_shop(f"http://127.0.0.1:{port}/")
    kassa.damage()
    assert eventually(lambda: kassa.count(ATTEMPTS("unreachable")) >= 2, 15)
    assert kassa.count("kassa_webhook_queue_length") >= 1
    assert kassa.count("kassa_webhook_oldest_seconds") > 0
    kassa.repair()
    with Receiver(SECRET, port=port) as receiver:
        posts = wait_for(receiver, 2, 30)
        assert {post.alarm["state"] for post in posts} == {"raised", "cleared"}
        assert all(post.is_genuine for post in posts)
        assert eventually(lambda: kassa.count("kassa_webhook_queue_length") == 0)
    assert kassa.count(EVENTS("dropped")) == kassa.count(EVENTS("failed")) == 0
    # The log says so when it begins and when it ends, and not at every attempt.
    words = [line for line in kassa.server.output if line.startswith("kassa: the webhook")]
    assert len(words) == 2 and "connect" in words[0] and "takes alarms again" in words[1]


def test_what_waits_is_tried_once_more_when_the_server_ends(start_shop):
    with Receiver(SECRET, [status(503, Retry_After=200)]) as receiver:
        kassa = start_shop(receiver.url)
        kassa.damage()
        wait_for(receiver, 1)
        assert eventually(lambda: kassa.count(ATTEMPTS("refused")) >= 1)
        kassa.server.stop()
        posts = wait_for(receiver, 2)
        assert [post.attempt for post in posts] == [1, 2]


def test_a_receiver_that_hangs_does_not_hold_up_the_end(start_shop):
    with Receiver(SECRET, [silence(60)] * 5) as receiver:
        kassa = start_shop(receiver.url, webhook_timeout_ms=60_000)
        kassa.damage()
        wait_for(receiver, 1)
        began = time.monotonic()
        kassa.server.stop()
        # Three seconds, and one until libcurl looks at the clock.
        assert 2.5 < time.monotonic() - began < 8


def make_certificate(folder, name, address):
    """A self-signed certificate with its key, for an address."""
    path = folder / f"{name}.pem"
    key = folder / f"{name}.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-keyout", key, "-out", path, "-days", "2", "-subj", f"/CN={name}",
         "-addext", f"subjectAltName=IP:{address}"], check=True, capture_output=True)
    path.with_suffix(".both").write_bytes(key.read_bytes() + path.read_bytes())
    return path, path.with_suffix(".both")


def test_a_certificate_must_be_trusted_and_for_that_host(start_shop, tmp_path):
    authority, certificate = make_certificate(tmp_path, "shop", "127.0.0.1")
    other_authority, other_certificate = make_certificate(tmp_path, "other", "127.0.0.2")
    with Receiver(SECRET, certificate=certificate) as receiver:
        with Receiver(SECRET, certificate=other_certificate) as other:
            unknown = start_shop(receiver.url)
            wrong_host = start_shop(other.url, webhook_ca_file=other_authority)
            for kassa in unknown, wrong_host:
                kassa.damage()
            for kassa in unknown, wrong_host:
                assert eventually(lambda: kassa.count(ATTEMPTS("unreachable")) >= 2, 15)
                assert any("certificate" in line for line in kassa.server.output
                           if line.startswith("kassa: the webhook took no alarm"))
            assert receiver.posts == other.posts == []
            trusted = start_shop(receiver.url, webhook_ca_file=authority)
            trusted.damage()
            (post,) = wait_for(receiver, 1)
            assert post.is_genuine


@contextlib.contextmanager
def unread_pipe():
    """The writing end of a pipe that is full and that nobody reads."""
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETFL, os.O_NONBLOCK)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writing, b"." * 4096)
    fcntl.fcntl(writing, fcntl.F_SETFL, 0)
    yield writing
    os.close(writing)
    os.close(reading)


def test_a_log_that_nobody_reads_holds_up_nothing(tmp_path, secret_file):
    class Deaf:
        """As much of a server as a shop needs."""
        folder = tmp_path / "data"

    with Receiver(SECRET) as receiver, unread_pipe() as stderr:
        line = command(
            Deaf.folder, map_gib=1, scrub_hours=0, webhook_url=receiver.url,
            webhook_secret_file=secret_file)
        process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=stderr, text=True)
        try:
            text = "".join(process.stdout.readline() for _ in range(3))
            Deaf.address = "127.0.0.1:" + re.search(r"listening on .*:(\d+)", text)[1]
            Deaf.admin_port = int(re.search(r"admin on http://.*:(\d+)", text)[1])
            kassa = Shop(Deaf)
            kassa.damage()
            wait_for(receiver, 1)
            kassa.repair()
            wait_for(receiver, 2)
            assert eventually(lambda: kassa.count("kassa_alarm_log_lines_dropped_total") >= 2)
        finally:
            process.terminate()
            code = process.wait(20)
            process.stdout.close()
        assert code == 0


@pytest.fixture
def small_disk(tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64m", "none", str(folder)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("may not mount a tmpfs")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_told_and_so_is_that_there_is_room_again(small_disk, secret_file):
    with Receiver(SECRET) as receiver:
        server = Server(
            small_disk / "data", map_gib=1, webhook_url=receiver.url,
            webhook_secret_file=secret_file)
        try:
            def states(kind):
                return [post.alarm["state"] for post in of_kind(receiver.posts, kind)]

            with open(small_disk / "ballast", "wb") as file:
                with contextlib.suppress(OSError):
                    while True:
                        file.write(b"\0" * (1 << 20))
                        file.flush()
            assert eventually(lambda: states("store_disk_space") == ["raised"], 10)
            (post,) = of_kind(receiver.posts, "store_disk_space")
            assert post.alarm["details"]["disk_free_percent"] < 10
            (small_disk / "ballast").unlink()
            assert eventually(lambda: states("store_disk_space") == ["raised", "cleared"], 10)
            # Refused puts come and go with it, in pairs.
            read_only = states("store_read_only")
            assert read_only in ([], ["raised", "cleared"])
            server.stop()
        finally:
            server.kill()


# Settings.


def refused(*flags, **more):
    result = subprocess.run(
        [binary(), "serve", *map(str, flags)], capture_output=True, text=True, timeout=20, **more)
    assert result.returncode in (1, 2) and result.stdout == ""
    return result.stderr


def test_a_secret_that_others_can_read_is_refused(tmp_path, secret_file):
    flags = ["--data", tmp_path / "data", "--webhook-url", "http://127.0.0.1:1/"]
    for mode in 0o640, 0o604, 0o620, 0o601:
        secret_file.chmod(mode)
        words = refused(*flags, "--webhook-secret-file", secret_file)
        assert str(secret_file) in words and "chmod 600" in words
        assert SECRET.decode() not in words
    assert "No such file" in refused(*flags, "--webhook-secret-file", tmp_path / "none")
    assert "regular file" in refused(*flags, "--webhook-secret-file", tmp_path)
    secret_file.chmod(0o600)
    secret_file.write_bytes(b"x" * 15 + b"\n")
    assert "15 bytes" in refused(*flags, "--webhook-secret-file", secret_file)
    assert "--webhook-secret-file" in refused(*flags)


def test_a_webhook_must_be_one(tmp_path, secret_file):
    flags = ["--data", tmp_path / "data", "--webhook-secret-file", secret_file]
    for url in "file:///etc/passwd", "gopher://127.0.0.1/", "127.0.0.1:80", "http://", "ftp://h/":
        assert "http:// or https://" in (words := refused(*flags, "--webhook-url", url)) or (
            "name a host" in words)
    missing = tmp_path / "none"
    assert str(missing) in refused(
        *flags, "--webhook-url", "https://h/", "--webhook-ca-file", missing)
    large = tmp_path / "large"
    with open(large, "wb") as file:
        file.truncate((16 << 20) + 1)
    assert "more than 16777216" in refused(
        *flags, "--webhook-url", "https://h/", "--webhook-ca-file", large)
    words = refused(*flags, "--webhook-url", "http://me:token@127.0.0.1/")
    assert "password" in words and "token" not in words
    assert "--webhook-url" in refused(*flags)
    assert "--webhook-timeout-ms" in refused(
        *flags, "--webhook-url", "http://h/", "--webhook-timeout-ms", "99")


def test_a_file_of_settings_names_the_webhook(tmp_path, secret_file):
    settings = tmp_path / "kassa.yaml"
    with Receiver(SECRET) as receiver:
        settings.write_text(
            f"webhook_url: {receiver.url}\nwebhook_secret_file: {secret_file}\n"
            "webhook_timeout_ms: 3000\n")
        server = Server(tmp_path / "data", config=settings, map_gib=1, scrub_hours=0)
        try:
            kassa = Shop(server)
            kassa.damage()
            (post,) = wait_for(receiver, 1)
            assert post.is_genuine
            server.stop()
        finally:
            server.kill()


# The alert rules.

# Series that only a rollout brings; the rest must be exported by a server that serves and was scrubbed.
ROLLOUT_ONLY = {
    "kassa_rollout_weight_ratio", "kassa_rollout_frozen", "kassa_rollout_log_evidence",
    "kassa_feature_psi", "kassa_feature_psi_threshold", "kassa_feature_usual",
}


def expressions():
    """The expressions of the rules, joined to lines."""
    found, inside = [], None
    for line in (RULES / "kassa.rules.yml").read_text().splitlines():
        indent = len(line) - len(line.lstrip())
        if match := re.match(r"\s+expr: (.*)", line):
            inside = indent
            found.append(match[1].strip("|"))
        elif inside is not None and indent > inside:
            found[-1] += " " + line.strip()
        else:
            inside = None
    return found


def test_promtool_takes_the_rules_and_they_fire_when_they_should():
    for words in ["check", "rules", "kassa.rules.yml"], ["test", "rules", "kassa.rules.test.yml"]:
        result = subprocess.run(
            ["promtool", *words], cwd=RULES, capture_output=True, text=True, timeout=60)
        assert result.returncode == 0, result.stdout + result.stderr
    rules = (RULES / "kassa.rules.yml").read_text()
    alerts = re.findall(r"- alert: (\w+)", rules)
    tested = (RULES / "kassa.rules.test.yml").read_text()
    assert len(alerts) == len(set(alerts)) == len(expressions()) > 20
    for alert in alerts:
        cases = re.findall(
            rf"alertname: {alert}\n +eval_time: \w+\n( +exp_alerts:)?", tested)
        assert any(cases) and not all(cases), f"{alert} must be seen firing and not firing"


def test_every_metric_of_the_rules_is_exported(start_shop):
    with Receiver(SECRET) as receiver:
        kassa = start_shop(receiver.url)
        client = Client(kassa.server.address)
        client.scoring.Score(shop.score("cart_abandonment", ""), timeout=10)
        client.close()
        kassa.repair()
        exported = {}
        for sample in metrics(kassa.server):
            name, _, labels = sample.partition("{")
            exported.setdefault(name, []).append(dict(re.findall(r'(\w+)="([^"]*)"', labels)))
    needed = set()
    for expression in expressions():
        for name, selector in re.findall(r"\b(kassa_\w+)(?:\{([^}]*)\})?", expression):
            needed.add(name)
            if name in ROLLOUT_ONLY:
                continue
            assert name in exported, f"{name} of {expression} is not exported"
            for label, operator, value in re.findall(r'(\w+)(=~?)"([^"]*)"', selector):
                values = {labels.get(label) for labels in exported[name]}
                assert None not in values, f"{name} has no label {label}"
                # Codes and slots come with what happens; the other values are known beforehand.
                if label not in ("code", "slot"):
                    pattern = value if operator == "=~" else re.escape(value)
                    assert any(re.fullmatch(pattern, known) for known in values), (name, label, value)
    assert ROLLOUT_ONLY <= needed
    assert not ROLLOUT_ONLY & set(exported), "they are exported: take them off the list"
