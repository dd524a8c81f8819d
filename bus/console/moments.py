"""Moments that people type, in the regency's civil time, and the time that is left until one."""

from datetime import datetime

from bus.clock import WIB
from bus.console.words import Words
from bus.problem import Refused


class MomentUnreadable(Refused):
    """A time is written as 2026-11-28T09:14, in WIB."""

    status = 422
    slug = "moment-unreadable"


def read_moment(text: str) -> datetime | None:
    """The moment in a field of the kind `datetime-local`; None: the field is empty.

    Raises:
        MomentUnreadable: the text is no moment.
    """
    if not text.strip():
        return None
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise MomentUnreadable("Write it as 2026-11-28T09:14.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=WIB)


def tell_left(due: datetime, now: datetime, words: Words) -> str:
    """How long it is until a moment, or since then."""
    minutes = round(abs((due - now).total_seconds())) // 60
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        told = words.say("%(days)s hari %(hours)s jam", days=days, hours=hours)
    elif hours:
        told = words.say("%(hours)s jam %(minutes)s menit", hours=hours, minutes=rest)
    else:
        told = words.say("%(minutes)s menit", minutes=rest)
    return words.say("sisa %(time)s", time=told) if due > now else words.say("lewat %(time)s", time=told)
