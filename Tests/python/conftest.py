# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the tests with stock clients: running servers, and stubs made from proto/.

    def test_something(server):           # one server for all tests of a module
        channel = grpc.insecure_channel(server.address)

    def test_another(start_server):       # servers of the test's own
        first = start_server(loops=1)
        second = start_server(folder=first.folder)
"""

import os
import pathlib
import sys
import tempfile

import pytest

from kassa_process import ROOT, Server

_stubs = tempfile.TemporaryDirectory(prefix="kassa-stubs-")


def pytest_configure(config):
    """Makes `from kassa.v1 import scoring_pb2` work; the stubs are never older than proto/."""
    import grpc_tools
    from grpc_tools import protoc

    builtin = pathlib.Path(grpc_tools.__file__).parent / "_proto"
    sources = sorted(str(path) for path in (ROOT / "proto/kassa/v1").glob("*.proto"))
    arguments = [
        "protoc", f"-I{ROOT / 'proto'}", f"-I{builtin}", f"--python_out={_stubs.name}",
        f"--grpc_python_out={_stubs.name}", *sources]
    if protoc.main(arguments) != 0:
        raise pytest.UsageError("protoc refused proto/")
    # A package of its own, or that of clients/python would be found first.
    for folder in ("kassa", "kassa/v1"):
        (pathlib.Path(_stubs.name) / folder / "__init__.py").touch()
    sys.path.insert(0, _stubs.name)


def pytest_unconfigure(config):
    _stubs.cleanup()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A fresh server for the tests of a module; it must drain well at their end."""
    server = Server(tmp_path_factory.mktemp("kassa"))
    yield server
    server.stop()


@pytest.fixture
def start_server(tmp_path):
    """Starts servers of the test's own, on `folder` or a fresh one; all must drain well."""
    servers = []

    def start(folder=None, **flags):
        folder = folder or tmp_path / f"data-{len(servers)}"
        servers.append(Server(folder, **flags))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture(scope="session")
def shared_data():
    """The folder of real data sets, which is not part of the repository."""
    given = os.environ.get("KASSA_SHARED_DATA")
    if given:
        candidates = [pathlib.Path(given)]
    else:
        candidates = [parent / "shared/data" for parent in ROOT.parents]
    for candidate in candidates:
        if candidate.is_dir():
            return candidate
    pytest.skip(f"needs the real data sets: none of {', '.join(map(str, candidates))} is there")
