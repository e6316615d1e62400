#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Fuzzes the readers of model files with libFuzzer, starting from the fixtures.
#
#     Tests/fuzz/fuzz_models.sh [seconds per format, default 60] [format ...]
#
# Formats: xgboost-json xgboost-ubj lightgbm onnx plain. A crash leaves its input in .build/fuzz.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
seconds=${1:-60}
[ $# -gt 0 ] && shift
[ $# -gt 0 ] || set -- xgboost-json xgboost-ubj lightgbm onnx plain
out=$root/.build/fuzz
mkdir -p "$out"
cd "$out"

flags="-O -parse-as-library -swift-version 6 -package-name kassa -strict-memory-safety
  -enable-upcoming-feature ExistentialAny -enable-upcoming-feature InternalImportsByDefault
  -enable-upcoming-feature MemberImportVisibility
  -enable-experimental-feature Lifetimes -I . -I $root/Sources/CBase
  -Xcc -fmodule-map-file=$root/Sources/CBase/module.modulemap
  -Xcc -fmodule-map-file=$out/ckernels.modulemap -sanitize=fuzzer"
printf 'module CKernels { header "%s" export * }\n' "$root/Sources/CKernels/include/CKernels.h" \
  > ckernels.modulemap
clang -O1 -g -fsanitize=fuzzer-no-link -I "$root/Sources/CKernels/include" \
  -c "$root/Sources/CKernels/kernels.c" -o CKernels.o
for module in Base Wire Models; do
  # shellcheck disable=SC2046,SC2086
  swiftc $flags -module-name $module -emit-module -emit-module-path $module.swiftmodule \
    -wmo -c $(find "$root/Sources/$module" -name '*.swift') -o $module.o
done
# shellcheck disable=SC2086
swiftc $flags -module-name ModelFuzz "$root/Tests/fuzz/ModelFuzz.swift" CKernels.o Base.o Wire.o Models.o \
  -o model-fuzz

for format; do
  mkdir -p "corpus-$format"
  case $format in
    xgboost-json) pattern='*_32/model.json' ;;
    xgboost-ubj) pattern='*/model.ubj' ;;
    lightgbm) pattern='lgb_*/model.txt' ;;
    onnx) pattern='onnx_*/model.onnx' ;;
    *) pattern= ;;
  esac
  number=0
  for file in ${pattern:+"$root"/Tests/Fixtures/models/$pattern}; do
    number=$((number + 1))
    cp "$file" "corpus-$format/seed-$number"
  done
  if [ "$format" = plain ]; then
    echo '{"kassa_model":1,"link":"logistic","intercept":-2.5,"terms":[{"feature":"a","weight":0.5,"missing":0},{"feature":"b","edges":[2,5],"points":[1,2,3],"missing":0},{"feature":"c","categories":{"x":1},"other":0,"missing":0}]}' \
      > corpus-plain/seed-1
  fi
  echo "== $format"
  KASSA_FORMAT=$format ./model-fuzz -max_total_time="$seconds" -max_len=65536 -timeout=20 \
    -rss_limit_mb=2048 -print_final_stats=1 "corpus-$format" 2> "$format.log" \
    || { tail -30 "$format.log"; exit 1; }
  grep -E 'Done|stat::number_of_executed_units|stat::peak_rss_mb' "$format.log"
done
