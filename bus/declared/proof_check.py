"""The check of the proof that a document asks of an agency's pushes.

Promise: who knows no secret cannot make the proof, a signature fits one push alone, and its time passes.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from bus.clock import WIB
from bus.declared.auth import list_secrets, write_time
from bus.declared.document import AdapterDocument, Push, Signature, SignedPart
from bus.problem import FieldError

_NOON: Final = datetime(2026, 3, 1, 12, 0, 30, tzinfo=WIB)
_DAYS: Final = 800
"""More days than two years have."""


def find_wrong_proof(document: AdapterDocument, operation: Push, at: str) -> Iterator[FieldError]:
    """What is wrong with the proof of a push, whose place in the document is `at`."""
    told = operation.verify
    named = list_secrets(told)
    for name in named:
        if name not in document.secrets:
            yield FieldError(at, f"uses the secret {name}, which `secrets` does not name")
    if not isinstance(told, Signature):
        return
    if not named:
        yield FieldError(at, "uses no secret, so everybody could make the signature")
    if told.algorithm.startswith("hmac") and told.key is None:
        yield FieldError(f"{at}/key", "an HMAC needs a key")
    for number, part in enumerate(told.parts):
        place = f"{at}/parts/{number}"
        if part.value is not None and part.value not in operation.values:
            yield FieldError(f"{place}/value", f"{part.value} is no name in `values`")
        if part.time == "epoch":
            if told.time_header is None:
                yield FieldError(f"{at}/time_header", "a signature over seconds needs the header that names them")
        elif part.time is not None and (wrong := _find_wrong_time(part.time, is_apart=bool(told.separator))):
            yield FieldError(f"{place}/time", wrong)
    if not told.separator and _may_shift(told.parts):
        yield FieldError(
            f"{at}/separator", "must stand between parts of any length, or an end of one can begin the next"
        )


def _find_wrong_time(form: str, *, is_apart: bool) -> str | None:
    days = [write_time(form, _NOON + timedelta(days=day)) for day in range(_DAYS)]
    if write_time(form, _NOON + timedelta(seconds=1, microseconds=1)) != days[0]:
        return "names seconds, which the bus would have to guess: use `epoch`, and the header that names the second"
    if len(set(days)) < _DAYS:
        return "must name year, month and day, or the signature is right again on another day"
    if not is_apart and len({len(day) for day in days}) > 1:
        return "must always have the same length, or `separator` must stand between the parts"
    return None


def _may_shift(parts: list[SignedPart]) -> bool:
    """Whether two parts of any length have no secret between them."""
    is_open = False
    for one in parts:
        is_long = one.value is not None or one.request in ("path", "query", "body")
        if is_open and is_long:
            return True
        is_open = (is_open or is_long) and one.secret is None
    return False
