"""Preconditions of a change (RFC 9110, section 13.1.1; RFC 6585, section 3): two editors do not overwrite each other."""

import re
from typing import Annotated, Any, Final

from fastapi import Depends, Header

from bus.contracts import Tags
from bus.problem import Invalid, Refused

_TAG: Final = re.compile(r'(W/)?"([^"]*)"')
_DOCUMENTED: Final[dict[str, Any]] = {"minLength": 1, "pattern": r'^(\*|(W/)?"[!#-~]*"(, *(W/)?"[!#-~]*")*)$'}
_LIST: Final = re.compile(r'(?:[ \t]*(?:(?:W/)?"[^"]*"[ \t]*)?(?:,|\Z))*')
"""A list of entity tags, which may have empty elements (RFC 9110, section 5.6.1.2)."""


class PreconditionRequired(Refused):
    """Say in If-Match which state you change: the ETag that you read."""

    status = 428
    slug = "precondition-required"


def _tags(
    if_match: Annotated[
        str | None, Header(description="the ETag of what you read; `*`: whatever it is", json_schema_extra=_DOCUMENTED)
    ] = None,
) -> Tags:
    """The tags that the header names; None where there is no header, or it says that any will do."""
    if if_match is None or if_match.strip() == "*":
        return None
    if not _LIST.fullmatch(if_match):
        raise Invalid("If-Match holds ETags in quotes, as GET answered them.")
    # A weak tag never matches here: comparison is strong.
    return frozenset(tag for weak, tag in _TAG.findall(if_match) if not weak)


def _required_tags(
    tags: Annotated[Tags, Depends(_tags)], if_match: Annotated[str | None, Header(include_in_schema=False)] = None
) -> Tags:
    if if_match is None:
        raise PreconditionRequired("Read it with GET first, and send its ETag as If-Match.")
    return tags


IfNoneMatch = Annotated[
    str, Header(alias="if-none-match", description="the ETag of what you have; 304 while it is the newest")
]
"""The states that the caller has; empty: none."""

IfMatch = Annotated[Tags, Depends(_tags)]
"""The state that may be changed; None: whatever it is."""

IfMatchRequired = Annotated[Tags, Depends(_required_tags)]
"""The same, refused without the header."""
