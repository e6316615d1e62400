# SPDX-License-Identifier: Apache-2.0
"""Generates src/kassa/v1 from the repository's proto/: at every build, and by hand.

    python clients/python/stubs.py
"""

from __future__ import annotations

import pathlib
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

HERE = pathlib.Path(__file__).resolve().parent
PROTO = HERE.parent.parent / "proto"
SERVICES = "kassa/v1"
SOURCE_NOTE = "# SPDX-License-Identifier: Apache-2.0\n"


def generate() -> None:
    """Makes the stubs anew; a source distribution has them and no proto/."""
    if not (PROTO / SERVICES).is_dir():
        if not any((HERE / "src" / SERVICES).glob("*_pb2.py")):
            raise FileNotFoundError(f"neither {PROTO} nor generated stubs are there")
        return
    import grpc_tools
    from grpc_tools import protoc

    out = HERE / "src"
    folder = out / SERVICES
    folder.mkdir(exist_ok=True)
    (folder / "__init__.py").write_text(
        f'{SOURCE_NOTE}"""The messages of the API, generated from proto/kassa/v1."""\n')
    wanted = sorted((PROTO / SERVICES).glob("*.proto"))
    for stale in folder.glob("*_pb2.py*"):
        if stale.name.split("_pb2")[0] not in {path.stem for path in wanted}:
            stale.unlink()
    builtin = pathlib.Path(grpc_tools.__file__).parent / "_proto"
    arguments = [
        "protoc", f"-I{PROTO}", f"-I{builtin}", f"--python_out={out}", f"--pyi_out={out}",
        f"--grpc_python_out={out}", *(str(path) for path in wanted)]
    if protoc.main(arguments) != 0:
        raise RuntimeError("protoc refused proto/")


class StubsHook(BuildHookInterface):  # type: ignore[misc]
    """What hatchling calls before it packs a wheel, an editable install or a source distribution."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        generate()


if __name__ == "__main__":
    generate()
