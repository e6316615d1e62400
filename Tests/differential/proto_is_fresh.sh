#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Fails if Sources/API/Generated is not what ProtoGen makes of proto/ now.
# Usage: swift build --product ProtoGen && Tests/differential/proto_is_fresh.sh
set -eu
cd "$(dirname "$0")/../.."
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
files=$(cd proto && find . -name '*.proto' | sed 's,^\./,,' | LC_ALL=C sort)
# shellcheck disable=SC2086 # one word per file
protoc --plugin=protoc-gen-kassa="${PROTOGEN:-.build/debug/ProtoGen}" --kassa_out="$fresh" -Iproto $files
if ! diff -ru Sources/API/Generated "$fresh"; then
    echo "Sources/API/Generated is stale: run make proto" >&2
    exit 1
fi
echo "Sources/API/Generated is fresh"
