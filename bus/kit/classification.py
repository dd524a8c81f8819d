"""The four levels of protection that contracts and adapters name."""

from enum import Enum


class Classification(Enum):
    """How much protection data need, least first."""

    PUBLIC = "public"
    INTERNAL = "internal"
    PERSONAL = "personal"
    SENSITIVE = "sensitive"

    @property
    def is_about_persons(self) -> bool:
        """Whether UU 27/2022 applies: grants must be complete, and each read makes a disclosure."""
        return self in (Classification.PERSONAL, Classification.SENSITIVE)

    def is_below(self, other: "Classification") -> bool:
        """Whether this level protects data less than `other` does."""
        return _ORDER.index(self) < _ORDER.index(other)


_ORDER = tuple(Classification)
