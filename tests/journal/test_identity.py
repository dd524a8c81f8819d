"""Whether two events of one identity say the same."""

from typing import Any

import pytest

from bus import json
from bus.journal.identity import say_the_same


def _event(**changes: Any) -> bytes:
    return json.dumps({"specversion": "1.0", "id": "1", "source": "/uji", "type": "uji.kabar", "data": {}} | changes)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 1.0),
        (0, -0.0),
        (100, 1e2),
        ([1, {"a": 2.0}], [1.0, {"a": 2}]),
        ({"a": 1, "b": 2}, {"b": 2.0, "a": 1}),
        ("1.0", "1.0"),
    ],
)
def test_a_number_counts_by_its_value(one: object, other: object) -> None:
    assert say_the_same(_event(data=one), _event(data=other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, True),
        (0.0, False),
        ([True, 1], [1, True]),
        ({"a": True, "b": 1}, {"a": 1, "b": True}),
        ("1.0", "1"),
        ("1", 1),
        (12345678901234567168, 1.2345678901234567e19),
        (None, 0),
        ([], {}),
    ],
)
def test_another_value_is_another_event(one: object, other: object) -> None:
    assert not say_the_same(_event(data=one), _event(data=other))
