"""A view: a grant in compiled form. It decides which events a consumer gets and what each of them shows, envelope included."""

import hmac
from base64 import b32encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final, NamedTuple

from bus import json
from bus.contracts.declared import Declared, find_declared
from bus.contracts.document import Contract, Grant, Kind, Mask
from bus.contracts.fields import Visibility, compile_fields
from bus.contracts.filter import Predicate, compile_filter, read_data_field
from bus.contracts.masks import Pseudonym, text_of_key
from bus.contracts.shown import Shown, covers, masks
from bus.kit import BUS_ATTRIBUTES, CORE_ATTRIBUTES

_PSEUDONYM_CHARACTERS: Final = 26
_MOST_ORDERS: Final = 1_000
_KEY_ATTRIBUTES: Final = ("subject", "partitionkey")
OWN_RULES: Final = CORE_ATTRIBUTES | BUS_ATTRIBUTES | set(_KEY_ATTRIBUTES)
"""Attributes that a contract cannot list among those that are shown as they are."""

Document = dict[str, Any]


class WantedRows(NamedTuple):
    """Records that a reader wants: those with a value in a field.

    Attributes:
        dialect: `exact` or `prefix`.
    """

    dialect: str
    pointer: str
    value: str


def find_single_values(rows: Sequence[Mapping[str, Any]]) -> list[WantedRows]:
    """Those of a grant's row filters that ask for one text in one field."""
    return [
        WantedRows(dialect, pointer, value)
        for expression in rows
        for dialect, asked in expression.items()
        if dialect in ("exact", "prefix") and len(expression) == len(asked) == 1
        for pointer, value in asked.items()
        if isinstance(value, str)
    ]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a reader wants of what its grant shows. It can only take away.

    Attributes:
        fields: pointers; None: all fields.
        rows: all of them must hold.
    """

    fields: tuple[str, ...] | None = None
    rows: tuple[WantedRows, ...] = ()


class View:
    """What one participant sees of the events that were published under one version of a contract.

    Attributes:
        grant: the grant that the view is made from.
        contract, version: name and version of the contract that holds the grant.
        is_whole: all events pass unchanged. The grant has no fields, mask or rows, and the version declares all that the
            data can hold.
        has_rows: the view chooses events by their data.
        cuts: the view changes every event. If False, it changes only events with data that the version does not declare.
        attributes: extension attributes that a cut event keeps.
        filterable: pointers of the fields by which the contract lets consumers choose records.
        fields_granted: pointers for the disclosure log; the empty pointer is the whole data.
        can_look_up_by_key: the consumer sees plain keys, so it may ask for a record by its key.
    """

    __slots__ = (
        "_apart",
        "_is_record",
        "_kept",
        "_key",
        "_key_path",
        "_key_visibility",
        "_only",
        "_orders",
        "_own",
        "_rows",
        "_schema",
        "_secret",
        "_shown",
        "_source",
        "_written",
        "attributes",
        "can_look_up_by_key",
        "contract",
        "cuts",
        "fields_granted",
        "filterable",
        "grant",
        "has_rows",
        "is_whole",
        "version",
    )

    def __init__(
        self,
        contract: Contract,
        grant: Grant,
        secret: bytes,
        places: Declared | None = None,
        published: Contract | None = None,
        address: str = "",
        wanted: Wanted | None = None,
    ) -> None:
        """Compile.

        Args:
            contract: the version that holds the grant.
            grant: one of its grants.
            secret: the instance's secret behind pseudonyms. A pseudonym is stable for one consumer of one contract, and
                cannot be linked between consumers.
            places: what that version's schema declares; None: find it now.
            published: the version that the events were published under; None: the version that holds the grant.
            address: the bus's address, without a slash at the end.
            wanted: what the consumer wants of what the grant shows; None: all.
        """
        published = published or contract
        only = wanted.fields if wanted is not None else None
        places = places or find_declared(contract.shown)
        is_own = published.version == contract.version
        is_declared = is_own and places.is_all
        self.grant = grant
        self.filterable = contract.filterable
        self.contract = contract.name
        self.version = contract.version
        self._secret = _compute_hmac(secret, f"{grant.participant}\0{contract.name}")
        known = None if is_declared else places
        self._shown = Shown(contract, grant, known, lambda _: self._make_pseudonyms("value"))
        self._own = self._compile_own(contract, known)
        self._rows = [compile_filter(expression, read_data_field) for expression in grant.rows]
        if wanted is not None:
            self._rows += [self._choose_rows(one) for one in wanted.rows]
        self._only = None if only is None else compile_fields(only, {}, lambda _: str)
        self.cuts = grant.fields is not None or bool(grant.mask) or not is_own or only is not None
        self.has_rows = bool(self._rows)
        self.is_whole = is_declared and not self.cuts and not self.has_rows
        granted = [""] if grant.fields is None else list(grant.fields)
        self.fields_granted = granted if only is None else list(_narrow(granted, only))
        self._compile_envelope(contract, published, address)
        self._compile_key(contract, published)
        self._apart = frozenset(at for at, mask in masks(contract, grant).items() if mask is Mask.PSEUDONYM)
        self._orders: dict[str, bool] = {}

    def shows(self, data: Any) -> bool:
        """Whether the consumer gets an event with these data.

        A deletion (null) has no data to judge. A view with rows does not show it: ask with the record's data before.
        """
        return all(holds(data) for holds in self._rows) and not (data is None and self.has_rows)

    def reduce_data(self, data: Any) -> Any:
        """The data, cut to the granted and declared fields, and masked."""
        return self._cut(data, self._shown)

    def visibility(self, pointer: str) -> Visibility:
        """How the consumer sees the field at a pointer."""
        return self._shown.visibility(pointer)

    def reduce(self, document: Document, sender: str = "") -> Document:
        """The CloudEvent (JSON format) as the consumer sees it. The given event stays as it is.

        Publishers may write identifiers into any attribute. So an event that is cut gets an envelope of the bus's own. Its
        `id` is made for this consumer, and its `source` is the contract. Beside CloudEvents' core attributes it has only
        the attributes that the contract names.

        Args:
            sender: the participant that published the event. A consumer's own events get other pseudonyms: otherwise it
                could publish values to learn their pseudonyms.
        """
        shown = self._own if sender == self.grant.participant else self._shown
        data = document.get("data")
        seen = self._cut(data, shown)
        if not self.cuts and seen == data:
            return document
        return self._write_envelope(document, seen, shown)

    def withdraw(self, document: Document, sender: str = "") -> Document:
        """The record's deletion, made of the event that takes the record out of the view.

        It says when the bus recorded the event. It holds nothing that the publisher wrote, and names no version.
        """
        shown = self._own if sender == self.grant.participant else self._shown
        unwritten = {name: value for name, value in document.items() if name not in self._written}
        reduced = self._write_envelope({**unwritten, "data": None}, None, shown)
        del reduced["dataschema"]
        return reduced

    def filters_by(self, pointer: str) -> bool:
        """Whether the consumer may choose records by a field: only if the contract says so and the consumer sees its values."""
        return pointer in self.filterable and self.visibility(pointer) is Visibility.SHOWN

    def orders_by(self, pointer: str) -> bool:
        """Whether deliveries may be ordered by a field: only if the consumer can tell its values apart.

        Otherwise the consumer could see which events wait for each other, and so which events share a hidden value.
        """
        orders = self._orders.get(pointer)
        if orders is None:
            visibility = self.visibility(pointer)
            # Pseudonyms tell the values apart, if the mask is on the field itself.
            orders = visibility is Visibility.SHOWN or (visibility is Visibility.MASKED and pointer in self._apart)
            if len(self._orders) < _MOST_ORDERS:
                self._orders[pointer] = orders
        return orders

    def order_value(self, data: Any, pointer: str, sender: str) -> Any:
        """The value to order by, for a field that `orders_by` allows."""
        value = json.find(data, pointer)
        if self._shown.visibility(pointer) is Visibility.SHOWN:
            return value
        shown = self._own if sender == self.grant.participant else self._shown
        return shown.fields.at(json.parse_pointer(pointer)).cut(value)

    def make_key(self, purpose: str) -> bytes:
        """A key of 256 bits for one purpose, of this consumer and contract alone. All versions of the contract have the same."""
        return _compute_hmac(self._secret, f"key\0{purpose}")

    def _compile_envelope(self, contract: Contract, published: Contract, address: str) -> None:
        """Note what the envelope of an event that is cut has."""
        self.attributes = tuple(name for name in contract.attributes if name not in OWN_RULES)
        self._written = ("time", *self.attributes)
        self._kept = (*self._written, *sorted(BUS_ATTRIBUTES))
        self._source = f"urn:bus:contract:{contract.name}"
        self._schema = f"{address}/v1/contracts/{contract.name}/versions/{published.version}/schema"

    def _compile_key(self, contract: Contract, published: Contract) -> None:
        """Note how the consumer sees the identifier that the envelope repeats."""
        # A query's subject is in the request, but views show the answer.
        self._key = None if contract.kind is Kind.QUERY else published.key or published.subject
        self._key_path = json.parse_pointer(self._key or "")
        self._key_visibility = self._shown.visibility(self._key) if self._key else Visibility.HIDDEN
        self.can_look_up_by_key = published.key is not None and self._key_visibility is Visibility.SHOWN
        if self._only is not None and self._only.visibility(self._key_path) is not Visibility.SHOWN:
            self._key_visibility = Visibility.HIDDEN
        self._is_record = published.key is not None

    def _compile_own(self, contract: Contract, places: Declared | None) -> Shown:
        """What the consumer sees of its own events. A record's key has the same pseudonym, whoever published it."""
        masked = [pointer for pointer, mask in self.grant.mask.items() if mask is Mask.PSEUDONYM]
        if self.grant.participant not in contract.producers or not masked:
            return self._shown
        return Shown(
            contract,
            self.grant,
            places,
            lambda pointer: self._make_pseudonyms("value" if pointer == contract.key else "own"),
        )

    def _choose_rows(self, rows: WantedRows) -> Predicate[Any]:
        if not self.filters_by(rows.pointer):
            # The consumer may not learn which records have which value there. Another version may show the field.
            return lambda _: False
        return compile_filter({rows.dialect: {rows.pointer: rows.value}}, read_data_field)

    def _cut(self, data: Any, shown: Shown) -> Any:
        seen = shown.cut(data)
        # What the consumer wants is cut from what it sees, so no wish can show more than the grant.
        return seen if self._only is None else self._only.cut(seen)

    def _write_envelope(self, document: Document, seen: Any, shown: Shown) -> Document:
        """The event with an envelope of the bus's own making."""
        reduced: Document = {
            "specversion": "1.0",
            # Each event has its own sequence, and no publisher writes it.
            "id": blake2b(str(document.get("sequence")).encode(), key=self._secret, digest_size=16).hexdigest(),
            "source": self._source,
            "type": document["type"],
        }
        for name in _KEY_ATTRIBUTES:
            value = document.get(name)
            if value is not None and (told := self._reduce_key_attribute(value, document, seen, shown)) is not None:
                reduced[name] = told
        reduced["dataschema"] = self._schema
        if "datacontenttype" in document:
            reduced["datacontenttype"] = "application/json"
        for name in self._kept:
            if (value := document.get(name)) is not None:
                reduced[name] = value
        if "data" in document:
            reduced["data"] = seen
        return reduced

    def _reduce_key_attribute(self, value: Any, document: Document, seen: Any, shown: Shown) -> Any:
        """`subject` or `partitionkey` as the consumer may see it; None leaves it out."""
        data = document.get("data")
        if data is None and self._is_record:
            # A deletion's subject is the key: data that held only this key decide.
            data = _make_data(document.get("subject"), self._key_path)
            seen = self._cut(data, shown)
        key = text_of_key(json.follow(data, self._key_path)) if self._key is not None else None
        if key is not None and value == key:
            hidden = self._key_visibility is Visibility.HIDDEN
            return None if hidden else text_of_key(json.follow(seen, self._key_path))
        # The attribute is not the key. It may pass only if the consumer sees the same value in the data.
        plain = seen.values() if isinstance(seen, dict) else ()
        return value if any(text_of_key(one) == value for one in plain) else None

    def _make_pseudonyms(self, purpose: str) -> Pseudonym:
        return lambda text: self._make_pseudonym(purpose, text)

    def _make_pseudonym(self, purpose: str, text: str) -> str:
        digest = _compute_hmac(self._secret, f"{purpose}\0{text}")
        return b32encode(digest).decode().lower()[:_PSEUDONYM_CHARACTERS]


def _narrow(granted: Sequence[str], only: Sequence[str]) -> Iterator[str]:
    """The pointers of what is both granted and wanted."""
    for pointer in only:
        if any(covers(one, pointer) for one in granted):
            yield pointer
        else:
            yield from (one for one in granted if covers(pointer, one))


def _make_data(value: Any, path: tuple[str, ...]) -> Any:
    """Data that hold only `value`, at a path."""
    for name in reversed(path):
        value = {name: value}
    return value


def _compute_hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
