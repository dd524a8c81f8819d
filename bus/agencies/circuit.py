"""The circuit of an agency's queries: an agency that does not answer is left in peace for some seconds.

A pure state machine; time comes from the caller.
"""

from dataclasses import dataclass


@dataclass(slots=True)
class QueryCircuit:
    """Whether the bus puts questions to an agency.

    Closed, it lets every question pass. After `failures` failures in a row it opens, for `seconds`. Then one question
    passes: its answer closes the circuit, and its failure opens it again for twice as long, up to `longest`.

    Attributes:
        failures: failures in a row that open the circuit.
        seconds: how long it is open first.
        longest: most seconds that it is open.
    """

    failures: int = 5
    seconds: float = 5.0
    longest: float = 300.0
    _failed: int = 0
    _opened: int = 0
    _open_until: float | None = None
    _is_probing: bool = False

    @property
    def is_open(self) -> bool:
        """Whether the agency is left in peace, or is being tried again."""
        return self._open_until is not None

    def find_rest(self, now: float) -> float | None:
        """Seconds for which the agency is still left in peace, 0 if it may be tried; None: the circuit is closed."""
        return None if self._open_until is None else max(0.0, self._open_until - now)

    def find_wait(self, now: float) -> float | None:
        """Seconds until a question may pass; None: it may pass now. Who passes has to report `succeed`, `fail` or `give_up`."""
        if self._open_until is None:
            return None
        if now < self._open_until or self._is_probing:
            return max(self._open_until - now, 1.0)
        self._is_probing = True
        return None

    def succeed(self) -> None:
        """Note that the agency answered."""
        self._failed, self._opened, self._open_until, self._is_probing = 0, 0, None, False

    def fail(self, now: float) -> bool:
        """Note that the agency did not answer; return whether this opened the circuit.

        A question that passed before the circuit opened changes nothing.
        """
        self._failed += 1
        if self._open_until is not None and not self._is_probing:
            return False
        if self._failed < self.failures and not self._is_probing:
            return False
        self._open_until = now + min(self.longest, self.seconds * 2.0**self._opened)
        self._opened = min(self._opened + 1, 16)
        self._is_probing = False
        return True

    def give_up(self) -> None:
        """Note that nobody waits for the answer any more, so that it says nothing about the agency."""
        self._is_probing = False
