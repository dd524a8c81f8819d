"""The fields of a grant as a tree that cuts data. It decides what is shown, masked, or left out.

A pointer addresses a member of an object. The token `*` addresses every item of an array, and every member of a map. A pointer
grants its field with all fields below. If data do not have the form that the pointers expect, they are not shown.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from bus import json
from bus.contracts.document import Mask
from bus.contracts.masks import HIDDEN, Masking, Pseudonym

Pseudonyms = Callable[[str], Pseudonym]
"""Gives the maker of pseudonyms for the pointer of a mask."""


class Visibility(Enum):
    """How a consumer sees a field."""

    SHOWN = "shown"
    MASKED = "masked"
    HIDDEN = "hidden"


@dataclass(slots=True)
class Fields:
    """One place in the data, and the places below it that are treated differently.

    Attributes:
        whole: the whole place is granted, except what `members` and `items` say.
        masking: the place is shown masked, as one value.
        members: places of an object's members, by name.
        items: the place of every item of an array, and of every member that `members` does not name.
        is_plain: the place is shown as it is, with all below it. `settle` sets it when the whole tree is made.
    """

    whole: bool = False
    masking: Masking | None = None
    members: dict[str, "Fields"] = field(default_factory=dict)
    items: "Fields | None" = None
    is_plain: bool = False

    def cut(self, value: Any) -> Any:
        """The value as the consumer sees it; null stays null."""
        if value is None or self.is_plain:
            return value
        if self.masking is not None:
            return self.masking(value)
        if isinstance(value, dict):
            return self._cut_members(value)
        if isinstance(value, list):
            return self._cut_items(value)
        # A scalar stands where the pointers expect an object or an array.
        return value if self.whole else None

    def visibility(self, steps: Iterable[str]) -> Visibility:
        """How the consumer sees the field at a path. A container that is shown in parts counts as hidden."""
        node = self.at(steps)
        if node.masking is not None:
            return Visibility.MASKED
        return Visibility.SHOWN if node.is_plain else Visibility.HIDDEN

    def at(self, steps: Iterable[str]) -> "Fields":
        """The place at a path, or the place above that covers the path."""
        node = self
        for step in steps:
            if node.masking is not None or node.is_plain:
                return node
            below = node.items if step == "*" else node.members.get(step, node.items)
            if below is None:
                return _SHOWN if node.whole else _NOT_SHOWN
            node = below
        return node

    def settle(self) -> None:
        """Set `is_plain` in the finished tree, where data pass unchanged."""
        if self.items is not None:
            for member in self.members.values():
                member._mask_also(self.items)
        below = [*self.members.values(), *([] if self.items is None else [self.items])]
        self.is_plain = self.whole and self.masking is None and not below
        for one in below:
            one.settle()

    def _cut_members(self, value: dict[str, Any]) -> dict[str, Any]:
        members, others = self.members, self.items
        if not self.whole and others is None:
            return {
                name: value[name] if below.is_plain else below.cut(value[name])
                for name, below in members.items()
                if name in value
            }
        shown: dict[str, Any] = {}
        for name, inner in value.items():
            below = members.get(name, others)
            if below is not None:
                shown[name] = below.cut(inner)
            elif self.whole:
                shown[name] = inner
        return shown

    def _cut_items(self, value: list[Any]) -> Any:
        if self.items is None:
            # The pointers expect an object, but an array came: masks for its members would have no effect.
            return HIDDEN if self.whole else []
        return [self.items.cut(item) for item in value]

    def _mask_also(self, others: "Fields") -> None:
        """Apply the masks of `*` here too: a member with pointers of its own still belongs to all members."""
        if others.masking is not None:
            self.masking = self.masking or others.masking
            return
        for name, inner in others.members.items():
            if self.whole or name in self.members:
                self._get_below(name)._mask_also(inner)
        if others.items is not None and (self.whole or self.items is not None):
            self._get_below("*")._mask_also(others.items)

    def _get_below(self, step: str) -> "Fields":
        """The place below, made if it does not exist yet. In a whole place it is whole too."""
        if step == "*":
            self.items = self.items or Fields(self.whole)
            return self.items
        return self.members.setdefault(step, Fields(self.whole))


_SHOWN = Fields(whole=True, is_plain=True)
_NOT_SHOWN = Fields()


def compile_fields(granted: Iterable[str] | None, mask: Mapping[str, Mask], pseudonyms: Pseudonyms) -> Fields:
    """The tree of a grant.

    Args:
        granted: pointers; None grants everything.
        mask: pointers and their masks. A mask on a field that is not granted grants nothing. A mask above granted fields
            masks them all.
        pseudonyms: makes pseudonyms, by the pointer of their mask.
    """
    root = Fields(whole=granted is None)
    for pointer in granted or ():
        _grant(root, json.parse_pointer(pointer))
    for pointer, name in mask.items():
        _mask(root, json.parse_pointer(pointer), Masking(name, pseudonyms(pointer)))
    root.settle()
    return root


def _grant(root: Fields, steps: Iterable[str]) -> None:
    node = root
    for step in steps:
        if node.whole:
            return
        node = node._get_below(step)
    node.whole, node.members, node.items = True, {}, None


def _mask(root: Fields, steps: Iterable[str], masked: Masking) -> None:
    node = root
    for step in steps:
        present = node.items if step == "*" else node.members.get(step)
        if present is None and not node.whole:
            return
        node = present or node._get_below(step)
    node.masking = masked
