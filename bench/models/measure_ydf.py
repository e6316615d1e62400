# SPDX-License-Identifier: Apache-2.0
"""Prints what a row takes in the model that prepare.py had YDF train, by YDF's own benchmark.

    measure_ydf.py FOLDER ROWS SECONDS

YDF's package has no C interface and scores batches; its benchmark runs in C++, in batches of 100.
"""

import sys

import numpy as np
import ydf

rows = np.fromfile(sys.argv[2], dtype=np.float32).reshape(-1, 32)
model = ydf.load_model(sys.argv[1])
data = {f"f{index}": rows[:, index] for index in range(32)} | {"label": rows[:, 0]}
result = model.benchmark(
    data, benchmark_duration=float(sys.argv[3]), warmup_duration=0.2, num_threads=1)
print(f"us {result.duration.total_seconds() * 1e6 / result.num_examples if hasattr(result, 'num_examples') else result!r}")
