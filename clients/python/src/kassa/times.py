# SPDX-License-Identifier: Apache-2.0
"""Instants of the API."""

from __future__ import annotations

import datetime

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


def instant(microseconds: int) -> datetime.datetime:
    """Microseconds since the Unix epoch as an instant."""
    return _EPOCH + datetime.timedelta(microseconds=microseconds)
