"""What a grant shows of the data. Only this module decides it, for views and for descriptions of views.

A field is shown if the grant covers it and the version that holds the grant declares it.
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
        fields: the grant's fields and masks. Only declared parts of the data pass them.
    """

    __slots__ = ("_declared", "fields")

    def __init__(self, contract: Contract, grant: Grant, declared: Declared | None, pseudonyms: Pseudonyms) -> None:
        """Compile.

        Args:
            contract: the version that holds the grant.
            declared: what the version's schema declares; None: valid data can hold nothing else.
            pseudonyms: makes pseudonyms, by the pointer of their mask.
        """
        self.fields: Fields = compile_fields(grant.fields, masks(contract, grant), pseudonyms)
        self._declared = declared

    def cut(self, data: Any) -> Any:
        """The data as the consumer sees them."""
        return self.fields.cut(data if self._declared is None else self._declared.cut(data))

    def visibility(self, pointer: str) -> Visibility:
        """How the consumer sees the field at a pointer. A container that is shown in parts counts as hidden."""
        path = json.parse_pointer(pointer)
        if self._declared is not None and not self._declared.declares(path):
            return Visibility.HIDDEN
        return self.fields.visibility(path)

    def mask(self, pointer: str) -> Mask | None:
        """The mask at a pointer or above it; None: there is no mask."""
        masking = self.fields.at(json.parse_pointer(pointer)).masking
        return None if masking is None else masking.mask

    def places(self, contract: Contract, grant: Grant, declared: Declared) -> Iterator[tuple[str, Mask | None]]:
        """The shown fields one by one, each with its mask: those of the schema, and those that the grant names.

        A field covers all fields below, except those that are listed too. The empty pointer is the whole data.
        """
        leaves = [json.to_pointer(path) for path in declared.leaves()]
        spoken = dict.fromkeys((*(grant.fields or ()), *masks(contract, grant)))
        apart = [one for one in spoken if not any(covers(one, leaf) for leaf in leaves)]
        for pointer in [*leaves, *apart]:
            mask = self.mask(pointer)
            is_shown = mask is None and self.fields.at(json.parse_pointer(pointer)).whole
            if (mask or is_shown) and declared.declares(json.parse_pointer(pointer)):
                yield pointer, mask


def masks(contract: Contract, grant: Grant) -> Mapping[str, Mask]:
    """A grant's masks.

    A mask on a record's key must keep keys apart, so any mask on it becomes a pseudonym. A producer sees no pseudonym of the
    key: it could try keys out by deleting them. Versions from before lint refused such masks may have them.
    """
    if contract.kind is not Kind.RECORD or contract.key is None or contract.key not in grant.mask:
        return grant.mask
    tries_out = grant.participant in contract.producers
    return {**grant.mask, contract.key: Mask.REDACT if tries_out else Mask.PSEUDONYM}


def covers(above: str, pointer: str) -> bool:
    """Whether a pointer leads to the place of another pointer, or to a place below it."""
    return pointer == above or pointer.startswith(f"{above}/")
