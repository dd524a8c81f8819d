"""What the front door refuses before the application sees a request; each answer ends the connection."""

from typing import Final

from bus.problem import Invalid, Refused


class RequestMalformed(Invalid):
    """The request is not HTTP/1.1 as RFC 9112 defines it."""

    slug = "malformed-request"


class HeadTooLarge(Refused):
    """The request line and header fields are too large; send fewer or shorter fields."""

    status = 431
    slug = "head-too-large"


class TooSlow(Refused):
    """The request did not arrive in time; send it again, faster or in smaller parts."""

    status = 408
    slug = "too-slow"


class NotImplementedHere(Refused):
    """The bus does not offer this part of HTTP; send a plain HTTP/1.1 request."""

    status = 501
    slug = "not-implemented"


class VersionUnsupported(Refused):
    """The bus speaks HTTP/1.0 and HTTP/1.1."""

    status = 505
    slug = "http-version-unsupported"


class ExpectationFailed(Refused):
    """The bus knows only the expectation 100-continue."""

    status = 417
    slug = "expectation-failed"


class TooManyConnections(Refused):
    """The bus has too many connections at the moment; close unused connections and try again."""

    status = 503
    slug = "too-many-connections"
    is_overload = True
    retry_seconds = 1


class Stopping(Refused):
    """The bus stops before it could finish this request; send it again."""

    status = 503
    slug = "stopping"
    is_overload = True


REASONS: Final[dict[type[Refused], str]] = {TooManyConnections: "full", TooSlow: "head_late"}
"""Reasons of refused heads for the metric; other heads count as malformed."""
