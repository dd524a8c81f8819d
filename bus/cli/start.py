"""Starts: which settings a process has that the last start of its roles did not have.

Promise: no secret is stored. Of a setting that holds one, the bus keeps what may be shown, and a keyed fingerprint that tells
whether the setting changed.
"""

import hmac
from collections.abc import Collection, Iterator, Mapping
from typing import Final

import sqlalchemy as sa
from pydantic import SecretStr

from bus import clock, json
from bus.actions import STARTS, Action, Actor, Object, Verb, mask_url, note
from bus.settings import Settings
from bus.storage import Transaction

_HIDDEN: Final = "(secret)"
_PURPOSE: Final = b"bus settings\0"

Shown = Mapping[str, tuple[str, str]]
"""Settings by name: what may be shown of each, and a fingerprint where that is not all; else empty."""


def note_start(
    transaction: Transaction, settings: Settings, roles: Collection[str], by: Actor, fingerprint_key: bytes
) -> None:
    """Keep the settings of a start, with an entry if they are others than at the last start of the same roles."""
    named = ",".join(sorted(roles))
    now = shown(settings, fingerprint_key)
    last = _last(transaction, named)
    before = shown(Settings.model_construct(), fingerprint_key) if last is None else last
    changed = [name for name in sorted({*before, *now}) if before.get(name) != now.get(name)]
    if changed:
        told = (_told(before, changed, ""), _told(now, changed, " (changed)"))
        on, details = Object("settings", named), {"first_start": last is None}
        note(transaction, Action(Verb.SETTINGS_CHANGE, by, on, None, *told, details))
    values = {"settings": json.dumps(now).decode(), "at": clock.micros(clock.now())}
    transaction.execute(sa.update(STARTS).where(STARTS.c.roles == named).values(**values))


def shown(settings: Settings, fingerprint_key: bytes) -> Shown:
    """Settings with what may be shown of each."""

    def fingerprint(name: str, value: str) -> str:
        return hmac.digest(fingerprint_key, _PURPOSE + f"{name}\0{value}".encode(), "sha256").hex()[:32]

    return {
        name: (public, "" if public == value else fingerprint(name, value)) for name, public, value in _values(settings)
    }


def _values(settings: Settings) -> Iterator[tuple[str, str, str]]:
    """Name, what may be shown, and the value itself."""
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if name == "adapters":
            for agency, fields in value.items():
                for field, text in fields.items():
                    yield f"adapters.{agency}.{field}", _public(text) if field.endswith("url") else _HIDDEN, text
        elif isinstance(value, SecretStr):
            yield name, _HIDDEN, value.get_secret_value()
        else:
            parts = [str(part) for part in value] if isinstance(value, tuple) else [str(value)]
            yield name, ",".join(map(_public, parts)), ",".join(parts)


def _public(text: str) -> str:
    # An address may hold a password, whatever the setting's name.
    return mask_url(text) if "://" in text else text


def _last(transaction: Transaction, roles: str) -> Shown | None:
    """The settings of the last start, or None; until the transaction ends no other start of these roles goes on."""
    made = transaction.execute(
        sa.text("INSERT INTO starts (roles, settings, at) VALUES (:roles, '{}', 0) ON CONFLICT (roles) DO NOTHING"),
        {"roles": roles},
    )
    if made:
        return None
    kept = transaction.value(sa.select(STARTS.c.settings).where(STARTS.c.roles == roles).with_for_update())
    return {name: (public, fingerprint) for name, (public, fingerprint) in json.loads(kept or "{}").items()}


def _told(settings: Shown, names: Collection[str], mark: str) -> dict[str, str | None]:
    """What may be shown of some settings; `mark` stands behind those of which that is not all."""
    return {
        name: None if name not in settings else settings[name][0] + (mark if settings[name][1] else "")
        for name in names
    }
