"""A view: a grant in compiled form. It decides which events a consumer gets and what each of them shows, envelope included."""

import hashlib
import hmac
from base64 import b32encode
from typing import Any
from urllib.parse import unquote

from bus import json
from bus.contracts.document import Contract, Grant, Kind
from bus.contracts.fields import HIDDEN, Fields, Visibility, fields_of
from bus.contracts.filter import compile_filter, data_field

_PSEUDONYM_CHARACTERS = 26
_FREE_OF_DATA = frozenset({"specversion", "type", "sequence", "recordedtime"})
_LET_THROUGH = frozenset({"time", "dataschema", "datacontenttype", "traceparent", "tracestate"})
"""Attributes that a cutting view hands on when no hidden identifier stands in them; further extensions are left out."""

_SOURCE = "urn:bus:pseudonym"
"""Stands for a source that cannot be shown; the pseudonym in `id` covers the true one."""

Document = dict[str, Any]


class View:
    """What one participant sees of one contract's events.

    Attributes:
        grant: what it is made from.
        is_whole: events pass as they are: no fields, no mask, no rows.
        has_rows: the view chooses among events by their data.
        cuts: the view changes documents (fields or mask); otherwise it only chooses among them.
        fields_granted: pointers for the disclosure log; the empty pointer stands for all of the data.
        can_look_up_by_key: the consumer knows the keys, so that a record may be asked for by its key.
    """

    __slots__ = (
        "_fields",
        "_hides_more_than_key",
        "_identifiers",
        "_key",
        "_key_path",
        "_key_visibility",
        "_rows",
        "_secret",
        "can_look_up_by_key",
        "cuts",
        "fields_granted",
        "grant",
        "has_rows",
        "is_whole",
    )

    def __init__(self, contract: Contract, grant: Grant, secret: bytes) -> None:
        """Compile.

        Args:
            contract: a version.
            grant: one of its grants.
            secret: the instance's, for pseudonyms: stable for one consumer of one contract, unlinkable between consumers.
        """
        self.grant = grant
        self._secret = _hmac(secret, f"{grant.participant}\0{contract.name}")
        self._fields: Fields = fields_of(grant.fields, grant.mask, lambda text: self._pseudonym("value", text))
        self._rows = [compile_filter(expression, data_field) for expression in grant.rows]
        self.cuts = grant.fields is not None or bool(grant.mask)
        self.has_rows = bool(self._rows)
        self.is_whole = not self.cuts and not self.has_rows
        self.fields_granted = [""] if grant.fields is None else list(grant.fields)
        # The identifier that the envelope repeats. A query's subject is in the request, which is not what is shown.
        is_query = contract.kind is Kind.QUERY
        self._key = None if is_query else contract.key or contract.subject
        self._key_path = json.path(self._key or "")
        self._key_visibility = self._fields.visibility(self._key_path) if self._key else Visibility.HIDDEN
        self.can_look_up_by_key = contract.key is not None and self._key_visibility is Visibility.SHOWN
        pointers = () if is_query else (contract.key, contract.subject, contract.delivery.ordered_by)
        self._identifiers = tuple(
            (pointer, visibility)
            for pointer in dict.fromkeys(pointers)
            if pointer and (visibility := self._fields.visibility(json.path(pointer))) is not Visibility.SHOWN
        )
        self._hides_more_than_key = any(pointer != self._key for pointer, _ in self._identifiers)

    def shows(self, data: Any) -> bool:
        """Whether the consumer gets an event with these data.

        A deletion (null) has nothing to judge by and is not shown under a row filter: ask with the record's previous data.
        """
        return all(holds(data) for holds in self._rows) and not (data is None and self.has_rows)

    def reduce_data(self, data: Any) -> Any:
        """The data, cut to the granted fields and masked."""
        return self._fields.cut(data) if self.cuts else data

    def reduce(self, document: Document) -> Document:
        """The CloudEvent (JSON format) as the consumer sees it; the given one stays as it is.

        The envelope repeats the key, and publishers write identifiers into `id` and `source`. So where the key is masked or
        hidden, it is so in the envelope: `subject` and `partitionkey` are masked or left out, a `source` that holds it has it
        replaced, and the `id` becomes a pseudonym that stays the same. A deletion has no data to tell a hidden identifier
        beside the key by, so that there `id` and `source` both become pseudonyms.
        """
        if not self.cuts:
            return document
        data = document.get("data")
        shown = self._fields.cut(data)
        hidden = self._hidden_identifiers(data, shown, document.get("subject")) if self._identifiers else {}
        reduced: Document = {}
        for name, value in document.items():
            if value is None and name != "data":
                continue
            if name in _FREE_OF_DATA:
                reduced[name] = value
            elif name in ("subject", "partitionkey"):
                if (seen := self._key_attribute(value, document, shown, hidden)) is not None:
                    reduced[name] = seen
            elif name == "data":
                reduced[name] = shown
            elif name in ("id", "source") or (name in _LET_THROUGH and not (hidden and _holds_any(value, hidden))):
                reduced[name] = value
        if data is None and self._hides_more_than_key:
            self._replace_identity(reduced)
        elif hidden:
            self._disguise(reduced, hidden)
        return reduced

    def _hidden_identifiers(self, data: Any, shown: Any, subject: Any) -> dict[str, str]:
        """Identifiers of this event that the consumer must not see, each with what stands for it."""
        if data is None and self._key and subject:
            # What the data would be if they held nothing but the key, which a deletion's subject is.
            data = _holding(subject, self._key_path)
            shown = self._fields.cut(data)
        found = {}
        for pointer, visibility in self._identifiers:
            value = _text(json.at(data, pointer))
            if value:
                stand_in = _text(json.at(shown, pointer)) if visibility is Visibility.MASKED else None
                found[value] = stand_in or HIDDEN
        return found

    def _key_attribute(self, value: Any, document: Document, shown: Any, hidden: dict[str, str]) -> Any:
        """`subject` or `partitionkey` as the consumer may see it; None leaves it out."""
        key = self._key_text(document)
        if key is not None and value == key:
            if self._key_visibility is Visibility.SHOWN:
                return value
            return hidden[value] if self._key_visibility is Visibility.MASKED else None
        # It says something else: harmless only when the data show just that.
        plain = shown.values() if isinstance(shown, dict) else ()
        return value if any(_text(one) == value for one in plain) else None

    def _key_text(self, document: Document) -> Any:
        if self._key is None:
            return None
        data = document.get("data")
        return document.get("subject") if data is None else _text(json.follow(data, self._key_path))

    def _disguise(self, reduced: Document, hidden: dict[str, str]) -> None:
        """Replace hidden identifiers in `source` and `id`; the pair still tells one event from another."""
        source, identity = reduced["source"], reduced["id"]
        if not _holds_any(source, hidden) and not _holds_any(identity, hidden):
            return
        self._replace_identity(reduced)
        for value, stand_in in hidden.items():
            source = source.replace(value, stand_in)
        if not _holds_any(source, hidden):
            reduced["source"] = source

    def _replace_identity(self, reduced: Document) -> None:
        pseudonym = self._pseudonym("id", f"{reduced['source']}\0{reduced['id']}")
        reduced["id"], reduced["source"] = pseudonym, _SOURCE

    def _pseudonym(self, purpose: str, text: str) -> str:
        digest = _hmac(self._secret, f"{purpose}\0{text}")
        return b32encode(digest).decode().lower()[:_PSEUDONYM_CHARACTERS]


def _holds_any(text: Any, values: dict[str, str]) -> bool:
    if not values or not isinstance(text, str):
        return False
    unquoted = unquote(text)
    return any(value in text or value in unquoted for value in values)


def _holding(value: Any, path: tuple[str, ...]) -> Any:
    """Data that hold nothing but `value` at a path."""
    for name in reversed(path):
        value = {name: value}
    return value


def _text(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
