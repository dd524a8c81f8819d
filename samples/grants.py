"""What the contract documents grant, read anew and by other means than the bus's, so that the two can be compared.

Data are handled as leaves: `{"/alamat/rt": "001", …}`, each by its JSON Pointer. Arrays are leaves as a whole.
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
    """Stands for any value of a form, where the value itself cannot be known beforehand."""

    form: str

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and re.fullmatch(self.form, other) is not None


PSEUDONYM = Masked("[a-z2-7]{26}")


@dataclass(frozen=True, slots=True)
class Grant:
    """What one consumer may see of a contract.

    Attributes:
        fields: pointers; None: all.
        mask: pointer to mask.
        rows: filters that must all hold.
    """

    fields: tuple[str, ...] | None
    mask: Mapping[str, str]
    rows: tuple[Mapping[str, Any], ...]

    @property
    def cuts(self) -> bool:
        """Whether the consumer sees less than was sent, so that the envelope is the bus's own."""
        return self.fields is not None or bool(self.mask)

    def gives(self, data: Any) -> bool:
        """Whether the consumer gets an event with these data."""
        return all(_holds(row, data) for row in self.rows)

    def shows(self, data: Any) -> Leaves:
        """The leaves of the data that the consumer sees."""
        return {
            at: _masked(self.mask[at], value) if at in self.mask else value
            for at, value in leaves(data)
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
    return {document["contract"]: _contract(document) for document in documents}


def leaves(data: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    """Every leaf with its pointer; names in contracts need no escapes."""
    if isinstance(data, dict) and (data or not at):
        for name, value in data.items():
            yield from leaves(value, f"{at}/{name}")
    else:
        yield at, data


def covers(fields: Iterable[str], at: str) -> bool:
    """Whether a leaf is one of some fields, or below one."""
    return any(at == field or at.startswith(f"{field}/") for field in fields)


def identifiers(values: Iterable[Any]) -> set[str]:
    """Those of some leaves that identify a person or firm: NIK, nomor KK, NIB, NPWP."""
    return {value for value in values if isinstance(value, str) and re.fullmatch(r"\d{13,18}", value)}


def content(told: Leaves, subject: object) -> str:
    """What an event is known by to who gets neither its id nor its source as they were sent: all that it shows.

    Every pseudonym counts as the same one, since nobody but the bus knows which stands for whom.
    """
    shown = {at: _without_pseudonym(value) for at, value in told.items()}
    return json.dumps([shown, _without_pseudonym(subject)], sort_keys=True)


def numbered(names: Iterable[str]) -> Iterator[str]:
    """Names that stay apart where two of them are the same, as those of two people who look alike to a consumer."""
    times: Counter[str] = Counter()
    for name in names:
        times[name] += 1
        yield f"{name} {times[name]}"


def _without_pseudonym(value: object) -> object:
    return "pseudonym" if value is PSEUDONYM or value == PSEUDONYM else value


def _contract(document: Mapping[str, Any]) -> Contract:
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
            found = dict(leaves(data))
            return all(_fits(dialect, str(found.get(_pointer(name), "")), wanted) for name, wanted in operand.items())


def _fits(dialect: str, value: str, wanted: str) -> bool:
    match dialect:
        case "exact":
            return value == wanted
        case "prefix":
            return value.startswith(wanted)
        case _:
            return value.endswith(wanted)


def _pointer(name: str) -> str:
    return name if name.startswith("/") else f"/{name}"


def _masked(mask: str, value: str) -> str | Masked:
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
