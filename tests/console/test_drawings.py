"""Drawings: the map and the charts as geometry stay inside their frame, and show what is small beside what is large."""

from datetime import UTC, datetime, timedelta

import pytest

from bus.console.charts import Series, draw_chart
from bus.console.exchange_map import MOST, draw_map
from bus.console.links import Health, Link
from bus.console.period import choose_period
from bus.identity import Kind, Participant
from bus.problem import Refused
from bus.rollups import Counts

HOURS = [datetime(2026, 8, 27, 17, tzinfo=UTC) + timedelta(hours=index) for index in range(24)]
NOW = datetime(2026, 8, 28, 2, 14, tzinfo=UTC)


def test_the_more_events_the_thicker_the_line_and_the_worst_lies_above():
    links = [Link("a", "x", Counts(dead=1), Health.BAD), Link("a", "y", Counts(delivered=100)), Link("b", "x")]
    drawn = draw_map(links, {})
    widths = {(one.link.sender, one.link.receiver): one.width for one in drawn.lines}
    assert widths["a", "y"] > widths["a", "x"] > widths["b", "x"] > 0
    assert drawn.lines[-1].link.health is Health.BAD


def test_a_map_of_many_leaves_the_last_ones_to_the_table():
    links = [Link(f"a{index:02}", f"x{index:02}", Counts(delivered=1)) for index in range(MOST + 5)]
    drawn = draw_map(links, {})
    assert (len(drawn.boxes), len(drawn.lines), drawn.left_out) == (2 * MOST, MOST, 5)
    assert all(box.y >= 0 and box.y + drawn.box_height <= drawn.height for box in drawn.boxes)
    assert all(0 < line.sign_x < drawn.width and 0 < line.sign_y < drawn.height for line in drawn.lines)


def test_a_participant_may_send_and_get():
    drawn = draw_map([Link("a", "b"), Link("b", "a")], {})
    assert sorted(box.name for box in drawn.boxes) == ["a", "a", "b", "b"]


def test_a_long_title_is_cut_and_a_ministry_is_marked():
    known = {"kominfo": Participant("kominfo", "Kementerian " + "x" * 200, Kind.MINISTRY)}
    _, ministry = draw_map([Link("a", "kominfo")], known).boxes
    assert (ministry.is_ministry, len(ministry.line), ministry.line[-1]) == (True, 28, "…")


@pytest.mark.parametrize(("most", "axis"), [(0.03, 0.05), (1, 1), (7, 10), (11, 20), (2418, 5000), (5000, 5000)])
def test_the_axis_ends_at_a_round_number(most: float, axis: float):
    drawn = draw_chart(HOURS, [Series("a", "one", [most] * 24)])
    assert drawn.marks[-1].value == pytest.approx(axis)
    assert all(bar.y >= drawn.marks[-1].at for bar in drawn.bars)


def test_one_event_beside_a_million_is_seen():
    drawn = draw_chart(HOURS, [Series("a", "one", [1_000_000, 1, 0, None, *[0] * 20])])
    assert [bar.height >= 1 for bar in drawn.bars] == [True, True]


def test_a_chart_without_values_is_empty():
    assert draw_chart(HOURS, [Series("a", "one", [None, 0] * 12)]).is_empty


def test_hours_are_those_of_the_regency():
    assert [one.text for one in draw_chart(HOURS, []).hours] == ["00.00", "06.00", "12.00", "18.00"]


def test_a_day_is_one_of_the_regency():
    period = choose_period("2026-08-28", NOW)
    assert (period.hours[0], period.is_now) == (HOURS[0], True)
    assert not choose_period("2026-08-27", NOW).is_now
    recent = choose_period("", NOW)
    assert (recent.until, recent.is_now) == (datetime(2026, 8, 28, 3, tzinfo=UTC), True)


@pytest.mark.parametrize("text", ["2026-02-30", "kemarin", "0001-01-01", "9999-12-31"])
def test_what_is_no_day_is_refused(text: str):
    with pytest.raises(Refused):
        choose_period(text, NOW)
