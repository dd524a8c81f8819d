"""The grants of the contract documents, read without the bus's code, so that the demo can check the bus.

Data have the form of leaves: JSON Pointer to value, `{"/alamat/rt": "001", …}`. An array is one leaf.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

Leaves = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Masked:
    """Equals every text of a form (a regular expression), for a value that nobody can know before."""

    form: str

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and re.fullmatch(self.form, other) is not None


PSEUDONYM = Masked("[a-z2-7]{26}")


@dataclass(frozen=True, slots=True)
class Grant:
    """A consumer's grant in a contract.

    Attributes:
        fields: pointers of the fields; None: all fields.
        mask: pointer to mask.
        rows: filters; the consumer gets an event if all of them match.
    """

    fields: tuple[str, ...] | None
    mask: Mapping[str, str]
    rows: tuple[Mapping[str, Any], ...]

    @property
    def is_cut(self) -> bool:
        """Whether the consumer sees less than the sender sent, so that the bus makes the envelope."""
        return self.fields is not None or bool(self.mask)

    def gives(self, data: Any) -> bool:
        """Whether the consumer gets an event with these data."""
        return all(_holds(row, data) for row in self.rows)

    def show(self, data: Any) -> Leaves:
        """The leaves of the data that the consumer sees."""
        return {
            at: _mask(self.mask[at], value) if at in self.mask else value
            for at, value in list_leaves(data)
            if self.fields is None or covers(self.fields, at)
        }


@dataclass(frozen=True, slots=True)
class Contract:
    """What the samples need of a contract document."""

    name: str
    key: str | None
    producers: tuple[str, ...]
    grants: Mapping[str, Grant]
    adapters: tuple[str, ...]


def read_contracts(folder: Path) -> dict[str, Contract]:
    """The contracts in a folder, by name."""
    documents = (yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(folder.rglob("*.yaml")))
    # Adapter documents stand among the contracts.
    return {document["contract"]: _read_contract(document) for document in documents if "contract" in document}


def list_leaves(data: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    """Pointer and value of every leaf. Names in contracts need no escapes."""
    if isinstance(data, dict) and (data or not at):
        for name, value in data.items():
            yield from list_leaves(value, f"{at}/{name}")
    else:
        yield at, data


def covers(fields: Iterable[str], at: str) -> bool:
    """Whether a leaf is one of the fields, or lies below one."""
    return any(at == field or at.startswith(f"{field}/") for field in fields)


def find_identifiers(values: Iterable[Any]) -> set[str]:
    """The values that identify a person or firm: NIK, nomor KK, NIB, NPWP."""
    return {value for value in values if isinstance(value, str) and re.fullmatch(r"\d{13,18}", value)}


def describe_content(told: Leaves, subject: object) -> str:
    """A text of all that an event shows, for a consumer who gets another id and source than the sender's.

    All pseudonyms count as equal, since the bus alone knows them.
    """
    shown = {at: _hide_pseudonym(value) for at, value in told.items()}
    return json.dumps([shown, _hide_pseudonym(subject)], sort_keys=True)


def number_names(names: Iterable[str]) -> Iterator[str]:
    """The names with a number each. So equal names differ, such as of two people who look alike to a consumer."""
    times: Counter[str] = Counter()
    for name in names:
        times[name] += 1
        yield f"{name} {times[name]}"


def _hide_pseudonym(value: object) -> object:
    return "pseudonym" if value is PSEUDONYM or value == PSEUDONYM else value


def _read_contract(document: Mapping[str, Any]) -> Contract:
    grants = {
        entry["participant"]: Grant(
            tuple(entry["fields"]) if "fields" in entry else None, entry.get("mask", {}), tuple(entry.get("rows", ()))
        )
        for entry in document["consumers"]
    }
    adapters = tuple(entry["adapter"] for entry in document.get("adapters", ()))
    return Contract(document["contract"], document.get("key"), tuple(document["producers"]), grants, adapters)


def _holds(row: Mapping[str, Any], data: Any) -> bool:
    ((dialect, operand),) = row.items()
    match dialect:
        case "any":
            return any(_holds(part, data) for part in operand)
        case "all":
            return all(_holds(part, data) for part in operand)
        case "not":
            return not _holds(operand, data)
        case _:
            found = dict(list_leaves(data))
            return all(
                _fits(dialect, str(found.get(_make_pointer(name), "")), wanted) for name, wanted in operand.items()
            )


def _fits(dialect: str, value: str, wanted: str) -> bool:
    match dialect:
        case "exact":
            return value == wanted
        case "prefix":
            return value.startswith(wanted)
        case _:
            return value.endswith(wanted)


def _make_pointer(name: str) -> str:
    return name if name.startswith("/") else f"/{name}"


def _mask(mask: str, value: str) -> str | Masked:
    match mask:
        case "last4":
            shown = min(4, len(value) // 4)
            return "*" * (len(value) - shown) + value[len(value) - shown :]
        case "year":
            return value[:4]
        case "pseudonym":
            return PSEUDONYM
        case _:
            return "***"
