"""What the bus answers: receipts and pages, and the errors that its refusals become."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, TypeVar

from bus_lamongan_client.errors import BusError, CredentialsRefused, CursorGone, FieldError, Refused, Unreachable

_Value = TypeVar("_Value")

_PASSING: Final = frozenset({408, 425, 429})
"""Statuses below 500 with which the same request can succeed later."""

_GONE: Final = ("urn:bus:problem:cursor-gone", "urn:bus:problem:events-gone")


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP response, read to its end.

    Attributes:
        headers: by their names in lower case.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Receipt:
    """The bus has the event on disk.

    Attributes:
        position: the event's place in the bus's journal.
        duplicate: the bus had this event before.
    """

    position: int
    duplicate: bool


@dataclass(frozen=True, slots=True)
class RejectedEvent:
    """An event of a partial batch that the bus refuses.

    Attributes:
        index: its place in the batch, from 0.
    """

    index: int
    errors: tuple[FieldError, ...]


@dataclass(frozen=True, slots=True)
class BatchReceipt:
    """The bus has the batch on disk, except for the events in `rejected`."""

    accepted: int
    duplicates: int
    last_position: int
    rejected: tuple[RejectedEvent, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a feed or of records.

    Attributes:
        events: CloudEvents, as your grant shows them. A record with `data: None` is deleted.
        next: the cursor behind this page. Keep it, and give it as `after`, now or next year.
    """

    events: list[dict[str, Any]]
    next: str


def read_answer(response: Response) -> dict[str, Any]:
    """The object in a good answer.

    Raises:
        Refused, CredentialsRefused: the bus says no.
        Unreachable: the bus is busy, or something else than the bus answered, such as a hotspot's login page.
    """
    document = _parse_object(response.body)
    if 200 <= response.status < 300 and document is not None:
        return document
    is_refusal = 400 <= response.status < 500 and response.status not in _PASSING
    if is_refusal and document is not None and "status" in document:
        raise _make_refusal(response.status, document)
    retry_after = read_retry_after(response.headers)
    detail = (document or {}).get("detail") or "This is no answer of the bus."
    raise Unreachable(f"{response.status}: {detail}", retry_after)


def read_token(response: Response) -> tuple[str, float]:
    """The access token and its lifetime in seconds, of an answer of the token endpoint (RFC 6749, section 5).

    Raises:
        CredentialsRefused: the client is unknown, or its secret is wrong.
        Refused, Unreachable: as `read_answer`.
    """
    document = _parse_object(response.body) or {}
    if response.status in (400, 401) and isinstance(document.get("error"), str):
        raise CredentialsRefused(f"{document['error']}: {document.get('error_description', '')}")
    answer = read_answer(response)
    token, seconds = answer.get("access_token"), answer.get("expires_in", 0)
    if not isinstance(token, str) or not isinstance(seconds, int | float):
        raise Unreachable("The token endpoint did not answer with a token.")
    return token, seconds


def read_receipt(answer: dict[str, Any]) -> Receipt:
    """The receipt in the answer to one event."""
    return read_shape(lambda: Receipt(int(answer["position"]), bool(answer["duplicate"])))


def read_batch_receipt(answer: dict[str, Any]) -> BatchReceipt:
    """The receipt in the answer to a batch."""
    return read_shape(
        lambda: BatchReceipt(
            int(answer["accepted"]),
            int(answer["duplicates"]),
            int(answer["last_position"]),
            tuple(RejectedEvent(int(one["index"]), read_errors(one)) for one in answer["rejected"]),
        )
    )


def read_page(answer: dict[str, Any], member: str) -> Page:
    """The page in an answer.

    Args:
        member: where the events are: `events` or `records`.
    """
    events, following = answer.get(member), answer.get("next")
    if not isinstance(events, list) or not isinstance(following, str):
        raise Unreachable("The answer is no page.")
    return Page(events, following)


def read_errors(document: Mapping[str, Any]) -> tuple[FieldError, ...]:
    """The `errors` of a problem."""
    errors = document.get("errors", ())
    return read_shape(lambda: tuple(FieldError(str(one["pointer"]), str(one["detail"])) for one in errors))


def read_retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds that `Retry-After` asks for, in both of its forms (RFC 9110, section 10.2.3); None without it.

    A date is compared with the answer's own `Date`, since clocks in offices are often wrong.
    """
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    until = _parse_date(text)
    if until is None:
        return None
    now = _parse_date(headers.get("date", "")) or datetime.now(UTC)
    return max(0.0, (until - now).total_seconds())


def _parse_date(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text).astimezone(UTC)
    except ValueError:
        return None


def _parse_object(body: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _make_refusal(status: int, problem: dict[str, Any]) -> BusError:
    title, detail = str(problem.get("title", "")), str(problem.get("detail", ""))
    if status == 401:
        return CredentialsRefused(f"{title} {detail}")
    kind, errors = str(problem.get("type", "about:blank")), read_errors(problem)
    if kind in _GONE:
        return CursorGone(status, kind, title, detail, errors, str(problem.get("next", "")))
    return Refused(status, kind, title, detail, errors)


def read_shape(read: Callable[[], _Value]) -> _Value:
    """What `read` gives; an answer of another shape is not the bus's."""
    try:
        return read()
    except (KeyError, TypeError, ValueError):
        raise Unreachable("The answer has not the shape of the bus's answers.") from None
