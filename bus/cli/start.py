"""Starts: notes which settings changed since the last start of the same roles.

Promise: the bus stores no secret. Of a setting with a secret it keeps the public part, and a keyed fingerprint. The
fingerprint tells whether the setting changed.
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
"""For each setting's name: its public part, and the fingerprint of its secret part (empty if there is none)."""


def note_start(
    transaction: Transaction, settings: Settings, roles: Collection[str], by: Actor, fingerprint_key: bytes
) -> None:
    """Store the settings of a start. If they changed since the last start of the same roles, the action log gets an entry.

    Args:
        transaction: the transaction for both.
        settings: the settings of this start.
        roles: the roles of this process.
        by: the author of the entry.
        fingerprint_key: the key of the fingerprints.
    """
    named = ",".join(sorted(roles))
    now = show_settings(settings, fingerprint_key)
    last = _lock_last(transaction, named)
    before = show_settings(Settings.model_construct(), fingerprint_key) if last is None else last
    changed = [name for name in sorted({*before, *now}) if before.get(name) != now.get(name)]
    if changed:
        told = (_show_named(before, changed, ""), _show_named(now, changed, " (changed)"))
        on, details = Object("settings", named), {"first_start": last is None}
        note(transaction, Action(Verb.SETTINGS_CHANGE, by, on, None, *told, details))
    values = {"settings": json.dumps(now).decode(), "at": clock.micros(clock.now())}
    transaction.execute(sa.update(STARTS).where(STARTS.c.roles == named).values(**values))


def show_settings(settings: Settings, fingerprint_key: bytes) -> Shown:
    """The settings in their public form."""

    def fingerprint(name: str, value: str) -> str:
        return hmac.digest(fingerprint_key, _PURPOSE + f"{name}\0{value}".encode(), "sha256").hex()[:32]

    return {
        name: (public, "" if public == value else fingerprint(name, value))
        for name, public, value in _list_values(settings)
    }


def _list_values(settings: Settings) -> Iterator[tuple[str, str, str]]:
    """Name, public part and value of each setting."""
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if name == "adapters":
            for agency, fields in value.items():
                for field, text in fields.items():
                    yield f"adapters.{agency}.{field}", _mask(text) if field.endswith("url") else _HIDDEN, text
        elif isinstance(value, SecretStr):
            yield name, _HIDDEN, value.get_secret_value()
        else:
            parts = [str(part) for part in value] if isinstance(value, tuple) else [str(value)]
            yield name, ",".join(map(_mask, parts)), ",".join(parts)


def _mask(text: str) -> str:
    # An address can hold a password, whatever the setting's name is.
    return mask_url(text) if "://" in text else text


def _lock_last(transaction: Transaction, roles: str) -> Shown | None:
    """The settings of the last start; None at the first. Another start of these roles waits for this transaction."""
    made = transaction.execute(
        sa.text("INSERT INTO starts (roles, settings, at) VALUES (:roles, '{}', 0) ON CONFLICT (roles) DO NOTHING"),
        {"roles": roles},
    )
    if made:
        return None
    kept = transaction.value(sa.select(STARTS.c.settings).where(STARTS.c.roles == roles).with_for_update())
    return {name: (public, fingerprint) for name, (public, fingerprint) in json.loads(kept or "{}").items()}


def _show_named(settings: Shown, names: Collection[str], mark: str) -> dict[str, str | None]:
    """The public form of some settings, with `mark` behind those with a secret part; None for an absent setting."""
    return {
        name: None if name not in settings else settings[name][0] + (mark if settings[name][1] else "")
        for name in names
    }
