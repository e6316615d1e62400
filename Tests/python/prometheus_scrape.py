#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Scrapes an admin port with a real Prometheus and asserts samples.

    prometheus_scrape.py --port 9090 'kassa_build_info>0' 'kassa_config_epoch=1'

Each argument is a PromQL selector, an operator (=, > or <) and a number; every one must have exactly
one series with such a value. The port may also come as KASSA_ADMIN_PORT. Exit status 0 if all hold.
Standard library only; needs the `prometheus` program.
"""
import argparse
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

CONFIG = """\
global:
  scrape_interval: 200ms
  scrape_timeout: 200ms
scrape_configs:
  - job_name: kassa
    static_configs:
      - targets: ["127.0.0.1:{port}"]
"""


def free_port():
    """A port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def api(port, path, **query):
    """The data of an answer of Prometheus' HTTP API."""
    url = f"http://127.0.0.1:{port}/api/v1/{path}?{urllib.parse.urlencode(query)}"
    with urllib.request.urlopen(url, timeout=5) as answer:
        return json.load(answer)["data"]


def wait_for_target(port, prometheus, deadline):
    """Waits until the target was scraped well once; its last error otherwise."""
    problem = "prometheus does not answer"
    while time.monotonic() < deadline:
        if prometheus.poll() is not None:
            return f"prometheus ended with status {prometheus.returncode}"
        try:
            targets = api(port, "targets")["activeTargets"]
            if targets and targets[0]["health"] == "up":
                return None
            problem = targets[0]["lastError"] or "not scraped yet" if targets else "no target"
        except (urllib.error.URLError, OSError):
            pass
        time.sleep(0.1)
    return problem


def check(port, assertion):
    """None if the assertion holds, else why not."""
    match = re.fullmatch(r"(.+?)(=|>|<)([0-9.eE+-]+)", assertion)
    if match is None:
        return f"{assertion}: not <selector><operator><number>"
    selector, operator, expected = match[1], match[2], float(match[3])
    series = api(port, "query", query=selector)["result"]
    if len(series) != 1:
        return f"{selector}: {len(series)} series"
    value = float(series[0]["value"][1])
    holds = {"=": value == expected, ">": value > expected, "<": value < expected}[operator]
    return None if holds else f"{selector} is {value:g}, not {operator} {expected:g}"


def problems_of(port, assertions, seconds=5):
    """Which assertions do not hold; a target is up a moment before its samples can be queried."""
    deadline = time.monotonic() + seconds
    while True:
        problems = [check(port, assertion) for assertion in assertions]
        problems = [problem for problem in problems if problem]
        if not problems or time.monotonic() > deadline:
            return problems
        time.sleep(0.1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=os.environ.get("KASSA_ADMIN_PORT"))
    parser.add_argument("--prometheus", default=shutil.which("prometheus"))
    parser.add_argument("--timeout", type=float, default=30)
    parser.add_argument("assertions", nargs="*", default=["up=1"])
    arguments = parser.parse_args()
    if arguments.port is None or arguments.prometheus is None:
        parser.error("needs --port or KASSA_ADMIN_PORT, and the prometheus program")

    with tempfile.TemporaryDirectory() as directory:
        config = os.path.join(directory, "prometheus.yml")
        with open(config, "w", encoding="utf-8") as file:
            file.write(CONFIG.format(port=arguments.port))
        port = free_port()
        log = open(os.path.join(directory, "log"), "w+", encoding="utf-8")
        prometheus = subprocess.Popen(
            [
                arguments.prometheus,
                f"--config.file={config}",
                f"--storage.tsdb.path={directory}/data",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=log,
        )
        try:
            problem = wait_for_target(port, prometheus, time.monotonic() + arguments.timeout)
            problems = [problem] if problem else []
            if not problems:
                problems = problems_of(port, arguments.assertions)
        finally:
            prometheus.terminate()
            try:
                prometheus.wait(timeout=10)
            except subprocess.TimeoutExpired:
                prometheus.kill()
                prometheus.wait()
        if problems:
            log.seek(0)
            print(*problems, sep="\n")
            print(log.read()[-4000:], file=sys.stderr)
            return 1
    print(f"{len(arguments.assertions)} assertions hold")
    return 0


if __name__ == "__main__":
    sys.exit(main())
