"""ArcGIS's error codes, each with the failure that it means.

Sources: ArcGIS REST API, feature service error codes (1000 to 2001) and HTTP-like codes; ArcObjects, `fdoError` (negative
codes of the geodatabase, which are HRESULTs).
"""

from collections.abc import Mapping
from typing import Any, Final

from bus.kit import Failure, classify_status

OBJECT_MISSING: Final = 1011

_TRANSIENT = (
    1000,  # Non-specific edit content error
    1003,  # Operation rolled back
    OBJECT_MISSING,  # The feature went away since the query. The next try adds it.
    1012,  # Operation rolled back
    1017,  # Internal error during insert, delete, update
    1018,
    1019,
    2000,  # Edits to the layer rolled back
    -2147220988,  # Not enough storage space
    -2147220986,  # An error of the database's own
    -2147220984,  # Networking error
    -2147220979,  # Object is busy
    -2147220977,  # Object is locked
    -2147220975,  # File read or write error
    -2147220973,  # Error of the database below
    -2147220970,  # Schema lock conflict
    -2147220911,  # Workspace not connected
    -2147220909,  # Server not found, not available, too many connections
    -2147220908,
    -2147220907,
    -2147220904,  # Database not found, not available
    -2147220903,
    -2147220647,  # Table in use
    -2147220475,  # Feature class in load-only mode
    -2147467259,  # Unspecified failure
    -2147024882,  # Out of memory
)
_SINK_DOWN = (
    498,  # Invalid or expired token
    499,  # Token required
    2001,  # Layer not found
    -2147220987,  # No permission
    -2147220974,  # Licences
    -2147220962,
    -2147220961,
    -2147220960,
    -2147220906,  # User or password invalid, user without access
    -2147220905,
    -2147220893,  # Workspace is read only
    -2147220655,  # Table not found
    -2147220479,  # Feature class not found, not editable
    -2147220469,
    -2147024891,  # Access denied
)
_PERMANENT = (
    1001,  # Null in a field that needs a value
    1002,  # No m-values
    1004,  # Geometry update, true curve not allowed
    1005,
    1006,  # Untrusted HTML
    1007,  # Ownership-based access control
    1008,  # Attachments
    1009,
    1010,
    1013,  # Missing, or ownership-based access control
    1014,  # No z-values
    1015,  # Geometry could not be set
    1016,  # A value could not be set
    1020,  # GlobalID missing, empty
    1021,
    1022,  # Unique constraint
    1023,  # Field not editable
)
_FAILURES: Final[Mapping[int, Failure]] = {
    **dict.fromkeys(_TRANSIENT, Failure.TRANSIENT),
    **dict.fromkeys(_SINK_DOWN, Failure.SINK_DOWN),
    **dict.fromkeys(_PERMANENT, Failure.PERMANENT),
}
_HRESULTS: Final = range(-(2**31), -(2**31) + 2**24)
"""Codes of the geodatabase. Those without a row above blame the feature, such as -2147217395 for a value of a wrong type."""
_LONGEST_CODE: Final = 11
"""Most characters of a code. Python reads no integer with some thousand digits."""


def read_code(error: Any) -> int | None:
    """ArcGIS's error code, from a number or a string, as the documentation shows both; None if there is none."""
    text = str(error.get("code", "")) if isinstance(error, dict) else ""
    is_number = text.isascii() and text.removeprefix("-").isdigit() and len(text) <= _LONGEST_CODE
    return int(text) if is_number else None


def classify_code(code: int | None) -> Failure:
    """The failure that a code means. An unknown code is transient, so that the bus tries again a bounded number of times."""
    if code is None:
        return Failure.TRANSIENT
    known = _FAILURES.get(code)
    if known is not None:
        return known
    if 400 <= code < 600:
        return classify_status(code)[0]
    return Failure.PERMANENT if code in _HRESULTS else Failure.TRANSIENT


def describe_code(code: int | None) -> str:
    """The code in words for the operator."""
    return "no ArcGIS error code" if code is None else f"ArcGIS error {code}"
