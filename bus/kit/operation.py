"""An operation: one thing that an adapter does for contracts, and what it demands of a contract."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from bus.kit.classification import Classification


class Does(Enum):
    """What an operation of an adapter does."""

    DELIVER = "deliver"
    POLL = "poll"
    QUERY = "query"
    PUSH = "push"


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that an adapter can do.

    Attributes:
        name: the operation's name in contracts and subscriptions, in the agency's words (`cari-nik`, `tindak-lanjut`).
        does: which of the adapter's methods the bus calls.
        contract: for a poll or a push, the contract of the events that it makes.
        interval: for a poll, seconds until the next step if the agency has no more.
        batch: for a delivery, the most events in one call.
        fields: JSON Pointers of the data's fields that the mapping reads or writes. The check of a new contract version
            names those that disappear.
        least: the lowest classification that a contract on this operation may have.
        person: JSON Pointer of the person's identifier in the data (of a query: in the question). A contract on this
            operation must name it as its key or subject.
        definitions: JSON Pointer of a field to the name of a shared definition (`nik` is schemas/common/nik.schema.json).
            A contract on this operation must declare the field by that definition.

    Raises:
        ValueError: the data are about persons, and `person` is missing.
    """

    name: str
    does: Does
    contract: str | None = None
    interval: float = 300.0
    batch: int = 1
    fields: tuple[str, ...] = ()
    least: Classification = field(kw_only=True)
    person: str | None = field(default=None, kw_only=True)
    definitions: Mapping[str, str] = field(default_factory=dict, kw_only=True, hash=False)

    def __post_init__(self) -> None:
        if self.least.is_about_persons and self.person is None:
            raise ValueError(f"The operation {self.name} carries personal data: name the `person` that they are about.")
