"""Answers of the registry, kept for a while in memory: the same question costs the quota once."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from typing import Any

Answer = Mapping[str, Any]


class AnswerCache:
    """At most `size` answers, none older than `seconds`; holds personal data, so it is never written or logged.

    Args:
        seconds: how long an answer is good; 0 keeps none.
        size: the oldest answer makes room for one more.
        clock: seconds that never run backwards.
    """

    def __init__(self, seconds: float, size: int, clock: Callable[[], float]) -> None:
        self._seconds = seconds
        self._size = size
        self._clock = clock
        self._answers: OrderedDict[Hashable, tuple[float, Answer]] = OrderedDict()

    def get(self, question: Hashable) -> Answer | None:
        """The answer, while it is good."""
        self._drop_stale()
        kept = self._answers.get(question)
        return kept[1] if kept else None

    def put(self, question: Hashable, answer: Answer) -> None:
        """Keep an answer from now on."""
        if self._seconds <= 0:
            return
        self._answers[question] = (self._clock() + self._seconds, answer)
        self._answers.move_to_end(question)
        if len(self._answers) > self._size:
            self._answers.popitem(last=False)

    def _drop_stale(self) -> None:
        # Every answer lives equally long, so the order of arrival is the order of expiry.
        now = self._clock()
        while self._answers and next(iter(self._answers.values()))[0] <= now:
            self._answers.popitem(last=False)
