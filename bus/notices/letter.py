"""A letter: one message as every way sends it, in words for people and in members for programs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bus import clock, json
from bus.notices.due import Bundle, Memory
from bus.notices.notice import Notice
from bus.notices.recipients import Recipient
from bus.notices.words import write_moment

_ID_BYTES: Final = 15
# The message is plain text, so nothing in it is escaped for HTML.
_TEMPLATES: Final = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=False,  # noqa: S701
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters["moment"] = write_moment


@dataclass(frozen=True, slots=True)
class Letter:
    """One message.

    Attributes:
        id: the same for each attempt to send it, so that a receiver knows a repetition.
        subject: one line.
        text: plain text of several lines.
        members: what a program needs of it.
    """

    id: str
    subject: str
    text: str
    members: Mapping[str, Any]


def write_letter(bundle: Bundle, recipient: Recipient, memory: Memory, now: datetime, address: str) -> Letter:
    """The letter that tells a bundle to a recipient.

    Args:
        address: the bus's own address; empty: the letter names none.
    """
    text = _TEMPLATES.get_template("message.txt").render(
        bundle=bundle, is_operator=recipient.is_operator, at=write_moment(now), address=address
    )
    members = {
        "at": clock.rfc3339(now),
        "new": [_describe(one) for one in bundle.fresh],
        "standing": [_describe(one) for one in bundle.standing],
        "ended": [{"key": key, "title": title} for key, title in bundle.ended.items()],
        "more": bundle.more,
    }
    return Letter(_make_id(bundle, recipient, memory), _write_subject(bundle), text, members)


def write_trial(now: datetime, address: str) -> Letter:
    """The letter that `bus notify test` sends."""
    text = _TEMPLATES.get_template("trial.txt").render(at=write_moment(now), address=address)
    members = {"at": clock.rfc3339(now), "test": True, "new": [], "standing": [], "ended": [], "more": 0}
    return Letter(f"msg_{_digest('trial', clock.rfc3339(now))}", "Bus data Lamongan: uji pemberitahuan", text, members)


def _write_subject(bundle: Bundle) -> str:
    counts = {"baru": len(bundle.fresh), "masih berlaku": len(bundle.standing), "selesai": len(bundle.ended)}
    return "Bus data Lamongan: " + ", ".join(f"{count} {name}" for name, count in counts.items() if count)


def _make_id(bundle: Bundle, recipient: Recipient, memory: Memory) -> str:
    keys = sorted([*(one.key for one in (*bundle.fresh, *bundle.standing)), *bundle.ended])
    before = clock.rfc3339(memory.sent_at) if memory.sent_at else ""
    return f"msg_{_digest(recipient.key, before, *keys)}"


def _digest(*parts: str) -> str:
    return blake2b(json.dumps(list(parts)), digest_size=_ID_BYTES).hexdigest()


def _describe(one: Notice) -> dict[str, Any]:
    return {
        "key": one.key,
        "kind": one.kind.value,
        "participant": one.participant,
        "subject": one.subject,
        "since": None if one.since is None else clock.rfc3339(one.since),
        "title": one.title,
        "do": one.do,
        "command": one.command,
        "call": one.call,
    }
