"""When a producer's refusals count as having jumped after a change of version."""

import pytest

from bus.refusals.jump import Hour, Jump, find_jumps

HOUR = 3_600_000_000
CHANGE = 1000 * HOUR
NEW, OLD = "2.0.0", "1.0.0"


def hour(offset: int, events: int, version: str = NEW, participant: str = "desa-sembung") -> Hour:
    """An hour so many hours after that of the change."""
    return Hour(participant, version, CHANGE + offset * HOUR, events)


@pytest.mark.parametrize(
    ("hours", "found"),
    [
        pytest.param([], None, id="nothing"),
        pytest.param([hour(1, 10)], (0, 10), id="many after none"),
        pytest.param([hour(1, 9)], None, id="too few to matter"),
        pytest.param([hour(-1, 10, OLD), hour(1, 30)], (10, 30), id="three times as many"),
        pytest.param([hour(-1, 10, OLD), hour(1, 29)], None, id="not three times as many"),
        pytest.param([hour(-1, 50, OLD), hour(-2, 2, OLD), hour(1, 60)], None, id="the worst hour before counts"),
        pytest.param([hour(1, 6), hour(2, 6)], None, id="spread thinly"),
        pytest.param([hour(1, 6), hour(1, 6, OLD)], (0, 12), id="all versions of an hour add up"),
        pytest.param([hour(0, 12)], (0, 12), id="the hour of the change, under the new version"),
        pytest.param([hour(0, 99, OLD), hour(1, 12)], (0, 12), id="the hour of the change, under the old one"),
        pytest.param([hour(-168, 10, OLD), hour(1, 12)], None, id="a week before"),
        pytest.param([hour(-169, 10, OLD), hour(1, 12)], (0, 12), id="longer before"),
        pytest.param([hour(168, 12)], (0, 12), id="a week after"),
        pytest.param([hour(169, 12)], None, id="longer after"),
        pytest.param([hour(-1, 12, OLD)], None, id="only before"),
    ],
)
def test_a_jump_is_many_more_than_in_the_worst_hour_before(hours: list[Hour], found: tuple[int, int] | None) -> None:
    expected = [Jump("desa-sembung", *found)] if found else []
    assert find_jumps(hours, NEW, CHANGE + HOUR // 2) == expected


def test_each_producer_is_judged_by_itself_and_the_worst_comes_first() -> None:
    hours = [
        hour(-1, 40, participant="dinkes"),
        hour(1, 50, participant="dinkes"),
        hour(1, 20, participant="dpmptsp"),
        hour(1, 30, participant="bapenda"),
    ]
    assert [one.participant for one in find_jumps(hours, NEW, CHANGE)] == ["bapenda", "dpmptsp"]
