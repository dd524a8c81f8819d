"""How far data must be protected: the four levels that contracts and adapters speak of."""

from enum import Enum


class Classification(Enum):
    """How far the data must be protected."""

    PUBLIC = "public"
    INTERNAL = "internal"
    PERSONAL = "personal"
    SENSITIVE = "sensitive"

    @property
    def is_about_persons(self) -> bool:
        """Whether UU 27/2022 applies: grants must be complete, and each reading leaves a disclosure."""
        return self in (Classification.PERSONAL, Classification.SENSITIVE)

    def is_below(self, other: "Classification") -> bool:
        """Whether data of this level are protected less than data of the other level."""
        return _ORDER.index(self) < _ORDER.index(other)


_ORDER = tuple(Classification)
