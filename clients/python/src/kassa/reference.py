# SPDX-License-Identifier: Apache-2.0
"""Reference histograms: how often an input had which values in training.

Numbers have ten bins of equal mass, texts their twenty most frequent categories; what is missing,
out of range, other or unseen is counted by itself, so that the counts always sum to the rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from kassa.cells import Array, Mask
from kassa.inputs import Input
from kassa.v1 import models_pb2

BINS = 10
CATEGORIES_MAX = 20


def numbers(place: int, values: Array, missing: Mask) -> models_pb2.ReferenceHistogram | None:
    """The histogram of numbers; None if there is no finite one."""
    wide = values.astype(np.float64)
    finite = ~missing & np.isfinite(wide)
    found = wide[finite]
    if not len(found):
        return None
    edges = np.unique(np.quantile(found, np.linspace(0, 1, BINS + 1), method="inverted_cdf"))
    if len(edges) == 1:
        edges = np.array([edges[0], np.nextafter(edges[0], np.inf)])
    # Bins hold their left edges, the last one both: as numpy counts.
    counts, _ = np.histogram(found, edges)
    return models_pb2.ReferenceHistogram(
        input=place, n=len(wide), edges=edges.tolist(), counts=counts.tolist(),
        missing=int((missing | np.isnan(wide)).sum()),
        out_of_range=int((~missing & np.isinf(wide)).sum()))


def texts(
    place: int, values: Array, missing: Mask, known: Sequence[str]
) -> models_pb2.ReferenceHistogram | None:
    """The histogram of texts; `known` are the model's categories. None if there is no known one."""
    counts = Counter(values[~missing].tolist())
    categories = set(known)
    unseen = sum(count for name, count in counts.items() if name not in categories)
    # Of equals the first by name, so that the same rows give the same bundle.
    ranked = sorted(
        ((name, count) for name, count in counts.items() if name in categories),
        key=lambda entry: (-entry[1], entry[0]))
    if not ranked:
        return None
    top, rest = ranked[:CATEGORIES_MAX], ranked[CATEGORIES_MAX:]
    return models_pb2.ReferenceHistogram(
        input=place, n=len(values), categories=[name for name, _ in top],
        category_counts=[count for _, count in top], other=sum(count for _, count in rest),
        unseen=unseen, missing=int(missing.sum()))


def histograms(inputs: Sequence[Input]) -> list[models_pb2.ReferenceHistogram]:
    found: list[models_pb2.ReferenceHistogram | None] = []
    for entry in inputs:
        if entry.is_text:
            found.append(
                texts(len(found), entry.values, entry.missing, entry.categories))
            continue
        with np.errstate(over="ignore"):
            narrow = entry.values.astype(np.float32).reshape(len(entry.missing), entry.width)
        for place in range(entry.width):
            found.append(numbers(len(found), narrow[:, place], entry.missing))
    return [histogram for histogram in found if histogram is not None]
