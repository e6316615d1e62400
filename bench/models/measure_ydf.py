# SPDX-License-Identifier: Apache-2.0
"""Prints what a row takes in the model that prepare.py had YDF train, by YDF's own benchmark.

    measure_ydf.py MODEL ROWS SECONDS

YDF's package has no C interface; its benchmark runs in C++ and scores batches of 100 rows.
"""

import re
import sys

import numpy as np
import ydf

rows = np.fromfile(sys.argv[2], dtype=np.float32).reshape(-1, 32)
model = ydf.load_model(sys.argv[1])
data = {f"f{index}": rows[:, index] for index in range(32)} | {"label": rows[:, 0]}
result = model.benchmark(
    data, benchmark_duration=float(sys.argv[3]), warmup_duration=0.2, num_threads=1)
# The text has more digits than the value, which counts whole microseconds.
print("us", re.search(r"Single-thread.*: ([0-9.]+) us", repr(result))[1])
