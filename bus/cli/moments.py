"""Times on the command line."""

from datetime import datetime

import typer

from bus import clock


def parse_moment(text: str | None) -> datetime | None:
    """The moment that an option names (RFC 3339; without an offset: WIB); None for None.

    Raises:
        typer.BadParameter: the text is no time.
    """
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} should be a time such as 2026-11-24 or 2026-11-24T08:00:00+07:00") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=clock.WIB)
