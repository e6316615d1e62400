# SPDX-License-Identifier: Apache-2.0
"""The 80/20 split of the UCI online shoppers that the reference models were trained on.

The same rows as scikit-learn's

    train_test_split(np.arange(len(y)), test_size=0.2, random_state=1, stratify=y)

in the order of the file, with numpy alone (its RandomState is frozen, so this does not change).

    from uci_split import load, test_rows
    x, y = load("online_shoppers_intention.csv")
    held_out = test_rows(y)                     # 2,466 indices, 0 = first row below the header
"""

import csv
import sys

import numpy as np

MONTHS = ["Feb", "Mar", "May", "June", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
VISITORS = ["New_Visitor", "Other", "Returning_Visitor"]


def load(path):
    """Features (float32, numeric coding, file order) and labels (0 or 1) of the CSV file."""

    def number(column, text):
        if column == "Month":
            return MONTHS.index(text)
        if column == "VisitorType":
            return VISITORS.index(text)
        return {"TRUE": 1, "FALSE": 0}.get(text) if text in ("TRUE", "FALSE") else float(text)

    with open(path, newline="") as file:
        header, *rows = csv.reader(file)
    table = np.array([[number(c, t) for c, t in zip(header, row)] for row in rows])
    return table[:, :-1].astype(np.float32), table[:, -1].astype(int)


def _share(counts, draws, random):
    """How many of each class make up `draws` rows; ties between remainders are drawn."""
    exact = counts / counts.sum() * draws
    whole = np.floor(exact)
    missing = int(draws - whole.sum())
    remainder = exact - whole
    for value in np.sort(np.unique(remainder))[::-1]:
        if missing == 0:
            break
        (tied,) = np.where(remainder == value)
        chosen = random.choice(tied, size=min(len(tied), missing), replace=False)
        whole[chosen] += 1
        missing -= len(chosen)
    return whole.astype(int)


def split(y, test_share=0.2, seed=1):
    """Indices of the training rows and of the test rows, shuffled as scikit-learn shuffles them."""
    random = np.random.RandomState(seed)
    test_count = int(np.ceil(test_share * len(y)))
    counts = np.bincount(y)
    train_counts = _share(counts, len(y) - test_count, random)
    test_counts = _share(counts - train_counts, test_count, random)
    train, test = [], []
    for label in range(len(counts)):
        members = np.flatnonzero(y == label)[random.permutation(counts[label])]
        train.extend(members[: train_counts[label]])
        test.extend(members[train_counts[label] : train_counts[label] + test_counts[label]])
    return random.permutation(train), random.permutation(test)


def test_rows(y):
    """Indices of the 2,466 rows that no reference model has seen."""
    return split(y)[1]


if __name__ == "__main__":
    _, labels = load(sys.argv[1])
    print("\n".join(str(row) for row in test_rows(labels)))
