# SPDX-License-Identifier: Apache-2.0
"""Does ProtoGen refuse by name what it does not know, and escape what Swift would not take?

    swift build --product ProtoGen
    python -m pytest Tests/differential/test_protogen.py
"""

import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROTOGEN = pathlib.Path(os.environ.get("PROTOGEN", ROOT / ".build/debug/ProtoGen"))


def generate(directory, body, syntax="proto3"):
    """What protoc says, and the files that came out."""
    (directory / "odd.proto").write_text(f'syntax = "{syntax}";\npackage test.v2beta1;\n{body}\n')
    result = subprocess.run(
        ["protoc", f"--plugin=protoc-gen-kassa={PROTOGEN}", f"--kassa_out={directory}", f"-I{directory}", "odd.proto"],
        capture_output=True,
        text=True,
    )
    return result.stderr, {path.name: path.read_text() for path in directory.glob("*.swift")}


@pytest.mark.parametrize(
    "body, reason",
    [
        ("message A { A a = 1; }", ".test.v2beta1.A.a: a message cannot hold itself"),
        ("message A { B b = 1; } message B { A a = 1; }", ".test.v2beta1.A.b: a message cannot hold itself"),
        ("message A { map<string, int32> m = 1; }", ".test.v2beta1.A.m: only map<string, string>"),
        ("message A { map<int32, string> m = 1; }", ".test.v2beta1.A.m: only map<string, string>"),
    ],
)
def test_what_is_not_supported_is_named(tmp_path, body, reason):
    error, files = generate(tmp_path, body)
    assert reason in error
    assert not files


def test_proto2_is_refused(tmp_path):
    error, files = generate(tmp_path, "message A {}", syntax="proto2")
    assert "odd.proto: only proto3 is supported" in error
    assert not files


def test_names_are_escaped(tmp_path):
    error, files = generate(
        tmp_path,
        """
        // A tree.
        message Tree {
          enum Kind { KIND_UNKNOWN = 0; KIND_2D = 1; DEFAULT = 2; }
          repeated Tree children = 1;
          oneof which { Tree left = 2; bool in = 3; }
          string self = 4;
          optional bytes data = 5;
          repeated sint32 loose = 6 [packed = false];
        }
        """,
    )
    assert error == ""
    text = files["TestV2Beta1+Odd.swift"]
    for line in [
        "/// A tree.",
        "static var unknown: Kind",
        "static var kind2d: Kind",
        "static var `default`: Kind",
        "indirect case left(TestV2Beta1.Tree)",
        "case `in`(Bool)",
        'package var self_: String = ""',
        "package var data: [UInt8]? = nil",
        "for element in self.loose { writer.sint32(6, element) }",
    ]:
        assert line in text, line
