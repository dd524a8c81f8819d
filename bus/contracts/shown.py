"""What a grant shows of the data: the one place that decides it, for views and for what is said about views.

A field is shown if the grant names it, or all, and the version that holds the grant declares it.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from bus import json
from bus.contracts.declared import Declared
from bus.contracts.document import Contract, Grant, Kind, Mask
from bus.contracts.fields import Fields, Pseudonyms, Visibility, compile_fields


class Shown:
    """What a grant shows.

    Attributes:
        fields: the grant's fields and masks; what it shows is declared too.
    """

    __slots__ = ("_declared", "fields")

    def __init__(self, contract: Contract, grant: Grant, declared: Declared | None, pseudonyms: Pseudonyms) -> None:
        """Compile.

        Args:
            contract: the version that holds the grant.
            declared: what the version's schema declares; None where the data can hold nothing else.
            pseudonyms: makes pseudonyms, by the pointer of their mask.
        """
        self.fields: Fields = compile_fields(grant.fields, masks(contract, grant), pseudonyms)
        self._declared = declared

    def cut(self, data: Any) -> Any:
        """The data as the consumer sees them."""
        return self.fields.cut(data if self._declared is None else self._declared.cut(data))

    def visibility(self, pointer: str) -> Visibility:
        """How the consumer sees the field at a pointer; a container that is shown in parts counts as hidden."""
        path = json.parse_pointer(pointer)
        if self._declared is not None and not self._declared.declares(path):
            return Visibility.HIDDEN
        return self.fields.visibility(path)

    def mask(self, pointer: str) -> Mask | None:
        """The mask at a pointer or above it; None where there is none."""
        masking = self.fields.at(json.parse_pointer(pointer)).masking
        return None if masking is None else masking.mask

    def places(self, contract: Contract, grant: Grant, declared: Declared) -> Iterator[tuple[str, Mask | None]]:
        """What is shown field by field, with its mask: of the fields that the schema declares, and what the grant tells apart.

        A field comes with all below it, but for what another of them says. The empty pointer stands for the data.
        """
        leaves = [json.to_pointer(path) for path in declared.leaves()]
        spoken = dict.fromkeys((*(grant.fields or ()), *masks(contract, grant)))
        apart = [one for one in spoken if not any(_covers(one, leaf) for leaf in leaves)]
        for pointer in [*leaves, *apart]:
            mask = self.mask(pointer)
            is_shown = mask is None and self.fields.at(json.parse_pointer(pointer)).whole
            if (mask or is_shown) and declared.declares(json.parse_pointer(pointer)):
                yield pointer, mask


def masks(contract: Contract, grant: Grant) -> Mapping[str, Mask]:
    """A grant's masks.

    A mask on a record's key has to keep keys apart. So one that does not is a pseudonym. A producer, which could try keys out
    by deleting them, sees none. Versions that were registered before lint refused either can have it.
    """
    if contract.kind is not Kind.RECORD or contract.key is None or contract.key not in grant.mask:
        return grant.mask
    tries_out = grant.participant in contract.producers
    return {**grant.mask, contract.key: Mask.REDACT if tries_out else Mask.PSEUDONYM}


def _covers(above: str, pointer: str) -> bool:
    return pointer == above or pointer.startswith(f"{above}/")
