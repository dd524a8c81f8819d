"""What is due: at most one message an hour, nothing lost for ever, and nobody gets another participant's."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from bus.notices import Kind, Notice, Recipient, Way
from bus.notices.due import HOUR, MOST, Bundle, Memory, begin, choose, fail, succeed

NOW = datetime(2026, 11, 29, 2, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
PARTICIPANTS = ("bapenda", "dinkes", None)
BAPENDA = Recipient(Way.MAIL, "tik@bapenda.example", participants=frozenset({"bapenda"}))
OPERATOR = Recipient(Way.MAIL, "bus@lamongan.example", is_operator=True)


def a_notice(number: int = 1, participant: str | None = "bapenda", **changes: timedelta) -> Notice:
    return Notice(Kind.SINK_AWAY, participant, f"sub_{number}", f"hal {number}", "perbaiki", **changes)


def keys(bundle: Bundle | None) -> tuple[list[str], list[str], list[str]]:
    assert bundle is not None
    return (
        [one.subject for one in bundle.fresh],
        [one.subject for one in bundle.standing],
        [key.rpartition(" ")[2] for key in bundle.ended],
    )


@dataclass
class Inbox:
    """A recipient that takes messages, and what it got of each."""

    recipient: Recipient
    memory: Memory = field(default_factory=Memory)
    got: list[tuple[datetime, Bundle]] = field(default_factory=list)

    def look(self, stand: list[Notice], now: datetime, way: str = "works") -> None:
        bundle = choose(self.recipient, stand, self.memory, now)
        if bundle is None:
            return
        known = self.memory
        self.memory = begin(known, now)
        match way:
            case "works":
                self.got.append((now, bundle))
                self.memory = succeed(known, bundle, now)
            case "fails":
                self.memory = fail(known, "the mail server answered 451", now)
            case "is killed after sending":
                self.got.append((now, bundle))


def test_what_is_new_is_told_at_once_and_what_comes_within_the_hour_in_one_message() -> None:
    inbox = Inbox(BAPENDA)
    inbox.look([a_notice(1)], NOW)
    for minute in range(1, 61):
        inbox.look([a_notice(1), a_notice(2), a_notice(3)], NOW + minute * MINUTE)
    assert [at for at, _ in inbox.got] == [NOW, NOW + HOUR]
    assert keys(inbox.got[1][1]) == (["sub_2", "sub_3"], ["sub_1"], [])


def test_what_stands_is_repeated_after_a_day_and_what_ended_is_told_once() -> None:
    inbox = Inbox(BAPENDA)
    for hours in range(60):
        inbox.look([a_notice(1)] if hours < 50 else [], NOW + hours * HOUR)
    assert [(at - NOW) / HOUR for at, _ in inbox.got] == [0, 24, 48, 50]
    assert keys(inbox.got[-1][1]) == ([], [], ["sub_1"])


def test_a_notice_that_ended_before_anybody_was_told_is_told_to_nobody() -> None:
    inbox = Inbox(BAPENDA)
    inbox.look([a_notice(1)], NOW, "fails")
    inbox.look([], NOW + HOUR)
    assert inbox.got == []


def test_a_failure_is_tried_again_soon_and_then_ever_later() -> None:
    inbox = Inbox(BAPENDA)
    tried = []
    for minute in range(300):
        before = inbox.memory
        inbox.look([a_notice(1)], NOW + minute * MINUTE, "fails")
        tried += [minute] if inbox.memory is not before else []
    assert tried == [0, 1, 3, 7, 15, 31, 63, 123, 183, 243]
    assert inbox.memory.failing_since == NOW
    inbox.look([a_notice(1)], NOW + 303 * MINUTE)
    assert (inbox.memory.failures, inbox.memory.failing_since, inbox.memory.failure) == (0, None, None)


def test_an_address_that_lost_a_participant_is_not_told_that_its_trouble_ended() -> None:
    both = Recipient(Way.MAIL, "tik@lamongan.example", participants=frozenset({"bapenda", "dinkes"}))
    inbox = Inbox(both)
    inbox.look([a_notice(1), a_notice(2, "dinkes")], NOW)
    inbox.recipient = BAPENDA
    inbox.look([a_notice(1)], NOW + HOUR)
    assert len(inbox.got) == 1


def test_a_thousand_notices_come_in_bounded_messages_until_all_were_told() -> None:
    inbox = Inbox(OPERATOR)
    many = [a_notice(number) for number in range(170)]
    for hours in range(5):
        inbox.look(many, NOW + hours * HOUR)
    assert [len(bundle.fresh) for _, bundle in inbox.got] == [MOST, MOST, MOST, 20]
    assert inbox.got[0][1].more == 120
    assert {one.subject for _, bundle in inbox.got for one in bundle.fresh} == {one.subject for one in many}


NOTICES = [a_notice(number, participant) for number, participant in enumerate(PARTICIPANTS * 2)]
MOMENTS = st.lists(
    st.tuples(
        st.integers(1, 40 * 60).map(lambda minutes: minutes * MINUTE),
        st.sets(st.sampled_from(range(len(NOTICES)))),
        st.sampled_from(["works", "works", "fails", "is killed after sending"]),
    ),
    max_size=40,
)


@given(MOMENTS, st.sampled_from([BAPENDA, OPERATOR]))
def test_whatever_happens_the_promises_hold(moments: list[tuple[timedelta, set[int], str]], who: Recipient) -> None:
    inbox, now, stand = Inbox(who), NOW, []
    for after, numbers, way in moments:
        now += after
        stand = [NOTICES[number] for number in numbers]
        inbox.look(stand, now, way)
    times = [at for at, _ in inbox.got]
    assert all(later - earlier >= HOUR for earlier, later in pairwise(times))
    for _, bundle in inbox.got:
        assert all(who.may_know(one.participant) for one in (*bundle.fresh, *bundle.standing))
        assert who.is_operator or all(" bapenda " in key for key in bundle.ended)
    # An hour later the server works again: from then on the recipient knows what stands, and nothing else.
    before = len(inbox.got)
    inbox.look(stand, now + HOUR)
    told = set(inbox.memory.told)
    assert told == {one.key for one in stand if who.may_know(one.participant)}
    assert len(inbox.got) <= before + 1
