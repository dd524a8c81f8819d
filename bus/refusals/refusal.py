"""Refusals as the bus counts them: the sender, the contract, the broken rule and its place.

Promise: a refusal holds nothing that the sender chose. A name in a pointer may be a person's number, so a name outside the
contract's schemas becomes `<other>`. An index becomes `*`.
"""

from collections.abc import Collection
from typing import Any, Final, NamedTuple

from bus import json
from bus.contracts import Catalogue, ContractVersion
from bus.identity import Principal
from bus.kit import BUS_ATTRIBUTES, CORE_ATTRIBUTES
from bus.problem import FieldError, Refused

OTHER: Final = "<other>"
MORE: Final = "<more>"

_HOUR: Final = 3_600_000_000
_ATTRIBUTES: Final = CORE_ATTRIBUTES | BUS_ATTRIBUTES | {"traceparent", "tracestate", "partitionkey"}
_MOST_PLACES: Final = 16
_LONGEST_NAME: Final = 64
_LONGEST_POINTER: Final = 256


class Refusal(NamedTuple):
    """The columns by which refusals are counted.

    Attributes:
        hour: the hour of the refusal, as its first microsecond since 1970.
        contract: the contract that the event's type names; empty if no such contract is registered.
        version: the version that the event names; empty if there is no such version.
        owner: the contract's owner; empty if no version is in force.
        participant: the sender.
        client_id: the sender's client.
        rule: the broken keyword of the schema (`required`, `pattern`, …). If no schema decided, the problem's slug.
        pointer: the place in the event, folded by `fold_pointer`.
    """

    hour: int
    contract: str
    version: str
    owner: str
    participant: str
    client_id: str
    rule: str
    pointer: str

    def without_place(self) -> "Refusal":
        """The refusal with `<more>` in place of its rule and pointer."""
        return self._replace(rule=MORE, pointer=MORE)

    def without_sender(self) -> "Refusal":
        """A refusal of the same hour, with `<more>` in place of everything else."""
        return Refusal(self.hour, MORE, "", "", MORE, MORE, MORE, MORE)


def round_to_hour(micros: int) -> int:
    """The first microsecond of the hour."""
    return micros - micros % _HOUR


def make_refusals(refused: Refused, sender: Principal, event: Any, catalogue: Catalogue, hour: int) -> list[Refusal]:
    """What the refusal of one event counts as: each rule that it broke with each place, sixteen at most.

    Args:
        refused: the refusal, with its errors.
        sender: who sent the event.
        event: the parsed CloudEvent. Any other value names no contract.
        catalogue: the contracts.
        hour: the current hour, as its first microsecond since 1970.
    """
    name, number, version = _find_meant_version(event, catalogue)
    # Another version in force may have a name that this version dropped. An app that did not follow still sends that name.
    names = frozenset[str]().union(*(one.names for one in catalogue.in_force(name))) if version else frozenset[str]()
    places = dict.fromkeys(
        (error.rule or refused.slug, fold_pointer(error.pointer, names)) for error in _list_errors(refused)
    )
    return [
        Refusal(
            hour=hour,
            contract=name,
            version=number,
            owner=version.contract.owner if version else "",
            participant=sender.participant,
            client_id=sender.client_id,
            rule=rule,
            pointer=pointer,
        )
        for rule, pointer in list(places)[:_MOST_PLACES]
    ]


def fold_pointer(pointer: str, names: Collection[str]) -> str:
    """A pointer into an event without what its sender chose: indexes become `*`, names outside `names` become `<other>`.

    Args:
        pointer: a JSON Pointer into an event.
        names: the names of the properties in the contract's schemas.
    """
    attribute, *below = json.parse_pointer(pointer) or ("",)
    if not attribute:
        return ""
    steps = [attribute if attribute in _ATTRIBUTES else OTHER, *(_fold_step(step, names) for step in below)]
    short = json.to_pointer(steps)
    return short if len(short) <= _LONGEST_POINTER else f"{short[:_LONGEST_POINTER].rpartition('/')[0]}/{MORE}"


def _fold_step(step: str, names: Collection[str]) -> str:
    # A name that is not printable, such as one with a NUL, is not text for every database.
    if step in names and len(step) <= _LONGEST_NAME and step.isprintable():
        return step
    return "*" if step.isdecimal() else OTHER


def _list_errors(refused: Refused) -> tuple[FieldError, ...]:
    return refused.errors or (FieldError("", refused.detail),)


def _find_meant_version(event: Any, catalogue: Catalogue) -> tuple[str, str, ContractVersion | None]:
    """The contract, the number of its version, and the version in force whose schema and owner count; empty where unknown."""
    name, dataschema = (event.get("type"), event.get("dataschema")) if type(event) is dict else (None, None)
    if type(name) is not str:
        return "", "", None
    dataschema = dataschema if type(dataschema) is str else None
    number = catalogue.find_version_number(name, dataschema)
    if number is None:
        return "", "", None
    try:
        return name, number, catalogue.find_version(name, dataschema)
    except Refused:
        return name, number, catalogue.newest(name) if catalogue.has_active(name) else None
