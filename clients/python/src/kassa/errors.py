# SPDX-License-Identifier: Apache-2.0
"""What can go wrong: every exception of this package is a `KassaError`.

A refusal of the server is the subclass of its status code, with the field that it is about:

    try:
        client.score("cart_abandonment", {"session": "s-81"})
    except kassa.NotFoundError as error:
        print(error.code, error.field, error)
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import grpc

_FIELD = re.compile(r"^([a-z_][A-Za-z0-9_.\[\]@-]*): ")


class KassaError(Exception):
    """The base of all; `code` is the gRPC status or None, `field` what the refusal is about or None."""

    code: grpc.StatusCode | None = None

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class ServerError(KassaError):
    """The server refused or failed the call, or could not be reached."""

    def __init__(
        self, message: str, *, code: grpc.StatusCode | None = None, field: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        if field is None and (match := _FIELD.match(message)):
            field = match[1]
        super().__init__(message, field=field)
        if code is not None:
            self.code = code
        # Seconds after which the server wants to be asked again.
        self.retry_after = retry_after


class InvalidArgumentError(ServerError, ValueError):
    """The request is wrong in `field`."""

    code = grpc.StatusCode.INVALID_ARGUMENT


class NotFoundError(ServerError, LookupError):
    """What the request names does not exist."""

    code = grpc.StatusCode.NOT_FOUND


class AlreadyExistsError(ServerError):
    """It exists already with other content: a model's version, a write_id."""

    code = grpc.StatusCode.ALREADY_EXISTS


class FailedPreconditionError(ServerError):
    """It makes no sense in the present state."""

    code = grpc.StatusCode.FAILED_PRECONDITION


class AbortedError(ServerError):
    """A compare-and-set did not match."""

    code = grpc.StatusCode.ABORTED


class ResourceExhaustedError(ServerError):
    """A queue or the disk is full, and was at the last of all attempts."""

    code = grpc.StatusCode.RESOURCE_EXHAUSTED


class UnavailableError(ServerError, ConnectionError):
    """There is no server, it is ending, or its store cannot be used at the moment."""

    code = grpc.StatusCode.UNAVAILABLE


class DeadlineExceededError(ServerError, TimeoutError):
    """No answer in time, all attempts together; a write may have happened all the same."""

    code = grpc.StatusCode.DEADLINE_EXCEEDED


class DataLossError(ServerError):
    """Stored bytes are damaged."""

    code = grpc.StatusCode.DATA_LOSS


class UnimplementedError(ServerError):
    """The server is older than this client."""

    code = grpc.StatusCode.UNIMPLEMENTED


_BY_CODE: dict[grpc.StatusCode, type[ServerError]] = {
    kind.code: kind
    for kind in (
        InvalidArgumentError, NotFoundError, AlreadyExistsError, FailedPreconditionError,
        AbortedError, ResourceExhaustedError, UnavailableError, DeadlineExceededError,
        DataLossError, UnimplementedError)
    if kind.code is not None
}
_CODES: dict[int, grpc.StatusCode] = {code.value[0]: code for code in grpc.StatusCode}


def server_error(
    code: grpc.StatusCode, message: str, retry_after: float | None = None
) -> ServerError:
    """The exception of a status."""
    return _BY_CODE.get(code, ServerError)(message, code=code, retry_after=retry_after)


def refusal_error(code: int, message: str, retry_after_ms: int) -> ServerError:
    """The exception of a refusal inside a stream."""
    return server_error(
        _CODES.get(code, grpc.StatusCode.UNKNOWN), message, retry_after_ms / 1e3 or None)


def translated(error: grpc.RpcError) -> ServerError:
    """The package's exception of what grpcio raised."""
    if not isinstance(error, (grpc.Call, grpc.aio.AioRpcError)):
        return ServerError(str(error), code=grpc.StatusCode.UNKNOWN)
    retry_after = None
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-retry-pushback-ms" and str(value).isdigit():
            retry_after = int(value) / 1e3
    return server_error(error.code(), error.details() or "", retry_after)


@dataclass(frozen=True)
class RowProblem:
    """Why one row does not fit: its number in what was given, the column or feature, the reason."""

    row: int
    field: str
    reason: str

    def __str__(self) -> str:
        return f"row {self.row}: {self.field}: {self.reason}"


class RowsError(KassaError, ValueError):
    """Rows do not fit; `problems` lists them, at most 1,000, and `count` says how many there are."""

    def __init__(self, intent: str, problems: Sequence[RowProblem], count: int | None = None) -> None:
        self.problems = list(problems[:1_000])
        self.count = len(problems) if count is None else count
        shown = "\n  ".join(str(problem) for problem in self.problems[:5])
        more = f"\n  and {self.count - 5:,} more" if self.count > 5 else ""
        super().__init__(
            f"{intent}\n  {shown}{more}", field=self.problems[0].field if self.problems else None)


class FrameError(KassaError, ValueError):
    """The columns of what was given do not fit: one is missing, unknown, or of a wrong kind."""


class LoadError(KassaError):
    """A bulk load failed or does not reconcile."""


class GenerationRefusedError(KassaError):
    """A loaded generation did not pass its gates and was not switched to."""


class ModelError(KassaError, ValueError):
    """The model cannot be pushed: of a kind that is not supported, or its inputs are not clear."""


class PushWarning(UserWarning):
    """A pushed model may be given what its trainer never saw; the message says what to do."""


class MissingPackageError(KassaError, ImportError):
    """An optional package is needed; the message names the extra to install."""


def needed(package: str, extra: str, purpose: str) -> MissingPackageError:
    """What to raise where an optional package is not there."""
    return MissingPackageError(f"{purpose} needs {package}: pip install 'kassa[{extra}]'")
