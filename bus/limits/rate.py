"""Rates: so many units in so many seconds, written `20000/10s`, and the bucket that a rate fills again."""

import math
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

_FORM: Final = re.compile(r"([1-9]\d{0,8})/([1-9]\d{0,4})?([smhd])", re.ASCII)
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_LONGEST: Final = 86_400

Fields = tuple[tuple[bytes, bytes], ...]
"""Header fields of an answer, their names in lower case."""


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `quota` units at once, and `quota` units again in each `seconds`."""

    quota: int
    seconds: int

    @classmethod
    def parse(cls, text: object) -> "Rate":
        """The rate that a text such as `600/60s`, `600/m` or `1000/1h` means.

        Raises:
            ValueError: the text is no rate, or its time is longer than a day.
        """
        if isinstance(text, Rate):
            return text
        match = _FORM.fullmatch(text) if isinstance(text, str) else None
        seconds = 0 if match is None else int(match[2] or 1) * _SECONDS[match[3]]
        if match is None or seconds > _LONGEST:
            raise ValueError("must be a number and a time of at most a day, such as 600/60s")
        return cls(int(match[1]), seconds)

    def __str__(self) -> str:
        return f"{self.quota}/{self.seconds}s"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """How settings and requests hold a rate: as its text."""
        written = core_schema.plain_serializer_function_ser_schema(str)
        return core_schema.no_info_plain_validator_function(cls.parse, serialization=written)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """A rate in the OpenAPI document."""
        return {"type": "string", "pattern": f"^{_FORM.pattern}$", "examples": ["600/60s"]}


class Bucket:
    """What is left of one rate. Pure: the caller gives the time, in seconds of a clock that never goes back.

    A request passes while a unit is left, and is charged what it costs, which may be more: the bucket is in debt then.
    So nothing has to be counted before a request is let in, and the rate holds over time all the same.

    Attributes:
        name: of the limit, in `RateLimit` fields.
        spent: all that was ever charged here.
    """

    __slots__ = ("_at", "_level", "_per_second", "name", "rate", "spent")

    def __init__(self, name: str, rate: Rate, now: float) -> None:
        self.name = name
        self.rate = rate
        self.spent = 0
        self._level: float = rate.quota
        self._per_second = rate.quota / rate.seconds
        self._at = now

    def refill(self, now: float) -> float:
        """Units that are left; less than one: wait."""
        level = self._level + (now - self._at) * self._per_second
        quota = self.rate.quota
        self._level = level = quota if level > quota else level
        self._at = now
        return level

    def charge(self, units: int) -> None:
        """Take units, whether they are there or not."""
        self._level -= units
        self.spent += units

    def charge_elsewhere(self, units: int) -> None:
        """Take units that another process spent."""
        self._level -= units

    def give_back(self, units: int) -> None:
        """Take back a charge."""
        self.charge(-units)

    def compute_wait(self, now: float) -> float:
        """Seconds until a request passes."""
        return max(0.0, (1 - self.refill(now)) / self._per_second)

    def change(self, rate: Rate, now: float) -> None:
        """Take another rate; what was spent of the old one stays spent."""
        self._level = self.refill(now) + rate.quota - self.rate.quota
        self._per_second = rate.quota / rate.seconds
        self.rate = rate

    def write_fields(self, steps: int = 0) -> Fields:
        """The fields `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-10).

        Args:
            steps: how many values `r` may have, each told when at least so much is left; 0: tell it to the unit.
        """
        left = max(0, int(self._level))
        if steps:
            step = self.rate.quota // steps or 1
            left = left // step * step
        return _write_fields(self.name, left, self.rate.quota, self.rate.seconds)


@lru_cache(1024)
def _write_fields(name: str, left: int, quota: int, seconds: int) -> Fields:
    whole_again = math.ceil((quota - left) * seconds / quota)
    return (
        (b"ratelimit", b'"%b";r=%d;t=%d' % (name.encode(), left, whole_again)),
        (b"ratelimit-policy", b'"%b";q=%d;w=%d' % (name.encode(), quota, seconds)),
    )
