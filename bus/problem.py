"""What a caller can do something about: the root of every refusal, rendered as an RFC 9457 problem at the edge."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing that is wrong in a document, and where.

    Attributes:
        pointer: JSON Pointer (RFC 6901) into the request's document.
        detail: what is wrong there; never the value itself, which may be personal data.
        rule: the schema's keyword that is broken, such as `required`; empty where no schema decided.
    """

    pointer: str
    detail: str
    rule: str = ""


class Refused(Exception):
    """The bus refuses; `detail` says why and what to do.

    Each subclass is one thing that a caller can do something about. Its docstring is the problem's title, its `slug` the
    end of the problem's `type`, its `status` the HTTP status.
    """

    status: ClassVar[int] = 400
    slug: ClassVar[str] = "refused"
    lacks_authority: ClassVar[bool] = False
    """Whether it is refused for who asks: a refused act is then in the action log."""
    is_overload: ClassVar[bool] = False
    """Whether it is refused for the amount of work: it says nothing against what was sent."""

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
        self.headers = dict(headers or {})
        self.members = members

    @property
    def title(self) -> str:
        """The first line of the class's docstring."""
        return (type(self).__doc__ or "Refused").strip().splitlines()[0]

    def to_document(self) -> dict[str, Any]:
        """The problem as RFC 9457 writes it, with `errors` where fields are wrong."""
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
    """There is no such thing here."""

    status = 404
    slug = "not-found"


class Invalid(Refused):
    """The request is not well formed."""

    status = 400
    slug = "invalid-request"


class Forbidden(Refused):
    """You may not do this."""

    status = 403
    slug = "forbidden"
    lacks_authority = True


class Conflict(Refused):
    """What stands already contradicts this."""

    status = 409
    slug = "conflict"


class Unavailable(Refused):
    """The bus cannot do this at the moment; try again."""

    status = 503
    slug = "unavailable"
