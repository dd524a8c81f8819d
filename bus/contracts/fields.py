"""The fields of a grant as a tree that cuts data: what is shown, what is masked, what is left out.

Field pointers address members of objects; the token `*` addresses every item of an array. What a pointer grants it grants with
all below it. Where data do not have the form that the pointers speak of, the doubt goes against showing.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from bus import json
from bus.contracts.document import Mask

HIDDEN = "***"
Masking = Callable[[Any], Any]
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_LAST = 4


class Visibility(Enum):
    """How a consumer sees a field."""

    SHOWN = "shown"
    MASKED = "masked"
    HIDDEN = "hidden"


@dataclass(slots=True)
class Fields:
    """One place in the data, and those below it that are treated differently.

    Attributes:
        whole: all of it is granted, but for what `members` and `items` say.
        masking: it is shown masked, as one.
        members: of an object, by name.
        items: of an array, every one.
        is_plain: shown as it is, with all below it; known once the whole tree is made.
    """

    whole: bool = False
    masking: Masking | None = None
    members: dict[str, "Fields"] = field(default_factory=dict)
    items: "Fields | None" = None
    is_plain: bool = False

    def cut(self, value: Any) -> Any:
        """The value as the consumer sees it; null stays null."""
        if value is None:
            return None
        if self.masking is not None:
            return self.masking(value)
        if self.whole and not self.members and self.items is None:
            return value
        if isinstance(value, dict):
            return self._cut_members(value)
        if isinstance(value, list):
            return self._cut_items(value)
        # A scalar where the pointers speak of something below.
        return value if self.whole else None

    def visibility(self, steps: Iterable[str]) -> Visibility:
        """How the field at a path is seen; a container that is shown in parts counts as hidden."""
        node = self
        for step in steps:
            if node.masking is not None:
                return Visibility.MASKED
            below = node.items if step == "*" else node.members.get(step)
            if below is None:
                return Visibility.SHOWN if node.whole else Visibility.HIDDEN
            node = below
        if node.masking is not None:
            return Visibility.MASKED
        return Visibility.SHOWN if node.whole and not node.members and node.items is None else Visibility.HIDDEN

    def settle(self) -> None:
        """The tree is made: note where nothing is to be done any more."""
        below = [*self.members.values(), *([] if self.items is None else [self.items])]
        self.is_plain = self.whole and self.masking is None and not below
        for one in below:
            one.settle()

    def _cut_members(self, value: dict[str, Any]) -> dict[str, Any]:
        if not self.whole:
            return {
                name: value[name] if below.is_plain else below.cut(value[name])
                for name, below in self.members.items()
                if name in value
            }
        members, others = self.members, self.items
        shown: dict[str, Any] = {}
        for name, inner in value.items():
            below = members.get(name, others)
            shown[name] = inner if below is None else below.cut(inner)
        return shown

    def _cut_items(self, value: list[Any]) -> Any:
        if self.items is None:
            # Members were spoken of and an array came: masks for its members would be lost on it.
            return HIDDEN if self.whole else []
        return [self.items.cut(item) for item in value]

    def _below(self, step: str) -> "Fields":
        """The place below, made when it is not there; in a whole place it is whole."""
        if step == "*":
            self.items = self.items or Fields(self.whole)
            return self.items
        return self.members.setdefault(step, Fields(self.whole))


def fields_of(granted: Iterable[str] | None, mask: Mapping[str, Mask], pseudonym: Callable[[str], str]) -> Fields:
    """The tree of a grant.

    Args:
        granted: pointers; None grants everything.
        mask: pointers and their masks. A mask on what is not granted grants nothing; one above granted fields masks them all.
        pseudonym: gives the pseudonym of a text.
    """
    root = Fields(whole=granted is None)
    for pointer in granted or ():
        _grant(root, json.path(pointer))
    for pointer, name in mask.items():
        _mask(root, json.path(pointer), masking(name, pseudonym))
    root.settle()
    return root


def masking(mask: Mask, pseudonym: Callable[[str], str]) -> Masking:
    """What a mask does to a value. Anything but a text becomes `***`, null stays null."""
    of_text = {
        Mask.REDACT: lambda _: HIDDEN,
        Mask.LAST4: _last4,
        Mask.YEAR: lambda text: text[:4] if _DATE.match(text) else HIDDEN,
        Mask.PSEUDONYM: pseudonym,
    }[mask]

    def masked(value: Any) -> Any:
        if value is None:
            return None
        return of_text(value) if isinstance(value, str) else HIDDEN

    return masked


def _last4(text: str) -> str:
    # A text of four characters or fewer would be shown whole.
    return "*" * (len(text) - _LAST) + text[-_LAST:] if len(text) > _LAST else "*" * len(text)


def _grant(root: Fields, steps: Iterable[str]) -> None:
    node = root
    for step in steps:
        if node.whole:
            return
        node = node._below(step)
    node.whole, node.members, node.items = True, {}, None


def _mask(root: Fields, steps: Iterable[str], masked: Masking) -> None:
    node = root
    for step in steps:
        present = node.items if step == "*" else node.members.get(step)
        if present is None and not node.whole:
            return
        node = present or node._below(step)
    node.masking = masked
