"""Refusals: the errors that a caller can do something about. The edge sends each as a problem (RFC 9457)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Self

_PASSING: Final = frozenset({429, 503})
"""Statuses of what may pass without a change of the request."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """One error in a request's document, and its place.

    Attributes:
        pointer: JSON Pointer (RFC 6901) to the place of the error.
        detail: what is wrong. It never holds the value itself, which may be personal data.
        rule: the broken keyword of the schema, such as `required`. Empty: no schema decided.
    """

    pointer: str
    detail: str
    rule: str = ""


class Refused(Exception):
    """The bus refuses the request; `detail` says why and what to do.

    Each subclass is one kind of refusal. The first line of its docstring is the problem's title. Its `slug` ends the problem's
    `type`, and its `status` is the HTTP status.
    """

    status: ClassVar[int] = 400
    slug: ClassVar[str] = "refused"
    lacks_authority: ClassVar[bool] = False
    """Whether the caller lacks the authority. The action log then records the refused act."""
    is_overload: ClassVar[bool] = False
    """Whether the amount of work is the reason. The request itself may be right."""
    retry_seconds: ClassVar[int] = 5
    """When to ask again, of a status 429 or 503, where the refusal itself does not know it better."""

    def __init__(
        self,
        detail: str,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = self._ask_again() | dict(headers or {})
        self.members = members
        self.subject: Any = None

    def about(self, subject: Any) -> Self:
        """This refusal, with what it is about for the log of refusals. Callers are never told it."""
        self.subject = subject
        return self

    def _ask_again(self) -> dict[str, str]:
        """When to ask again, for those who may. Without it some clients ask at once and others never (RFC 9110, 10.2.3)."""
        return {"Retry-After": str(self.retry_seconds)} if self.status in _PASSING else {}

    @property
    def title(self) -> str:
        """The first line of the class's docstring."""
        return (type(self).__doc__ or "Refused").strip().splitlines()[0]

    def to_document(self) -> dict[str, Any]:
        """The problem's JSON object (RFC 9457), with `errors` if fields are wrong."""
        problem: dict[str, Any] = {
            "type": f"urn:bus:problem:{self.slug}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }
        if self.errors:
            problem["errors"] = [{"pointer": error.pointer, "detail": error.detail} for error in self.errors]
        return problem | self.members


class NotFound(Refused):
    """The requested resource does not exist."""

    status = 404
    slug = "not-found"


class Invalid(Refused):
    """The request is malformed."""

    status = 400
    slug = "invalid-request"


class Forbidden(Refused):
    """You are not allowed to do this."""

    status = 403
    slug = "forbidden"
    lacks_authority = True


class Conflict(Refused):
    """The request conflicts with the current state."""

    status = 409
    slug = "conflict"


class Unavailable(Refused):
    """The bus cannot do this at the moment; try again later."""

    status = 503
    slug = "unavailable"
