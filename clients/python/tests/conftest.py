# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the client's tests: a real server, and a client of it."""

import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
# How the server is started is said once, beside its own tests.
sys.path.insert(0, str(ROOT / "Tests/python"))


def pytest_configure(config):
    """The stubs are never older than proto/."""
    sys.path.insert(0, str(HERE.parent))
    import stubs

    stubs.generate()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A fresh server for the tests of a module; it must drain well at their end."""
    from kassa_process import Server

    server = Server(tmp_path_factory.mktemp("kassa"))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def client(server):
    import kassa

    with kassa.connect(server.address) as client:
        yield client


@pytest.fixture
def start_server(tmp_path):
    """Starts servers of the test's own, on `folder` or a fresh one; all must drain well."""
    from kassa_process import Server

    servers = []

    def start(folder=None, **flags):
        servers.append(Server(folder or tmp_path / f"data-{len(servers)}", **flags))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture(scope="session")
def shared_data():
    """The folder of real data sets, which is not part of the repository."""
    import os

    given = os.environ.get("KASSA_SHARED_DATA")
    candidates = [pathlib.Path(given)] if given else [p / "shared/data" for p in ROOT.parents]
    for candidate in candidates:
        if candidate.is_dir():
            return candidate
    pytest.skip("needs the real data sets")
