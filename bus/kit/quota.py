"""The quota of an agency: an adapter counts each call by it, before the call goes out."""

from abc import abstractmethod
from typing import Final, Protocol


class Quota(Protocol):
    """Counts the calls that an agency allows in a day. The bus counts over all processes and restarts."""

    @abstractmethod
    async def take(self) -> None:
        """Count one call.

        Raises:
            QuotaExhausted: no call is left today; `Retry-After` has the seconds until midnight WIB.
        """
        ...

    @abstractmethod
    async def believe(self, left: int) -> None:
        """Take over the agency's own count, if it has fewer calls left than the bus counts."""
        ...


class Unlimited:
    """The quota of an agency that counts no calls."""

    async def take(self) -> None:
        """Count nothing."""

    async def believe(self, left: int) -> None:
        """Believe nothing."""


UNLIMITED: Final = Unlimited()
