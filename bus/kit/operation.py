"""An operation: one thing that an adapter does for contracts, and what it asks of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from bus.kit.classification import Classification


class Does(Enum):
    """What an operation of an adapter does."""

    DELIVER = "deliver"
    POLL = "poll"
    QUERY = "query"


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that an adapter can do.

    Attributes:
        name: what contracts and subscriptions call it, in the agency's words (`cari-nik`, `tindak-lanjut`).
        does: which of the adapter's methods serves it.
        contract: for a poll, the contract of the events that it makes.
        interval: for a poll, seconds between steps when there is nothing more.
        batch: for a delivery, the most events in one call.
        fields: JSON Pointers of what its mapping reads of the contract's data, or writes into them: who changes a contract
            is told which of them go away.
        least: the least classification of what it carries. No contract on it may say less.
        person: JSON Pointer of the identifier of the person that the data (of a query: the question) are about.
            A contract on it must find the person there.
        definitions: names of shared definitions (`nik` is schemas/common/nik.schema.json), by the pointer of the field
            that holds one. A contract on it must declare such a field by that definition.

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
