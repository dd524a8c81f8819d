"""Limits at work: own values, refusals, and that one participant's are nobody else's."""

from collections.abc import Callable

import pytest

from bus.limits import AtOnce, Crowded, Full, Limit, Limited, LimitRegister, Limits, LimitsRefused
from bus.storage import Changes, Storage
from tests.an_actor import OPERATOR

Process = Callable[[], Limits]


def test_who_has_spent_everything_is_told_how_long_to_wait_and_others_go_on(a_process: Process):
    limits = a_process()
    limits.take("bapenda", Limit.PUBLISH, 100)
    with pytest.raises(Limited) as refused:
        limits.take("bapenda", Limit.PUBLISH)
    assert refused.value.status == 429
    assert refused.value.headers["Retry-After"] == "1"
    assert refused.value.headers["ratelimit"] == '"publish";r=0;t=10'
    assert refused.value.to_document()["violated-policies"] == ["publish"]
    limits.take("dinkes", Limit.PUBLISH)
    limits.take("bapenda", Limit.READ)


def test_own_values_are_in_force_with_the_next_change_and_gone_when_they_are_taken_away(
    a_process: Process, register: LimitRegister, storage: Storage
):
    limits = a_process()
    changes = Changes(storage)
    changes.on("limits", limits.refresh)
    limits.take("bapenda", Limit.PUBLISH, 100)
    register.put("bapenda", {"publish": "1000/10s", "subscriptions": 7}, OPERATOR)
    changes.look()
    assert limits.get("bapenda").policy.subscriptions == 7
    limits.take("bapenda", Limit.PUBLISH)
    assert register.read("bapenda") == {"publish": "1000/10s", "subscriptions": 7}
    register.put("bapenda", {"publish": None}, OPERATOR)
    changes.look()
    assert register.read("bapenda") == {}
    with pytest.raises(Limited):
        limits.take("bapenda", Limit.PUBLISH)


@pytest.mark.parametrize(
    "wrong", [{"publish": "fast"}, {"publish": 5}, {"subscriptions": -1}, {"subscriptions": "many"}, {"speed": 1}]
)
def test_a_value_that_a_limit_cannot_have_is_refused_by_its_name(register: LimitRegister, wrong: dict[str, object]):
    with pytest.raises(LimitsRefused) as refused:
        register.put("bapenda", wrong, OPERATOR)
    assert [error.pointer for error in refused.value.errors] == [f"/limits/{next(iter(wrong))}"]
    assert register.read("bapenda") == {}


def test_tokens_are_charged_to_their_client_and_to_its_participant(a_process: Process):
    limits = a_process()
    for _ in range(300):
        limits.take_token("bapenda", "client_1")
    with pytest.raises(Limited, match="client_tokens"):
        limits.take_token("bapenda", "client_1")
    for client in ("client_2", "client_3", "client_4"):
        for _ in range(300):
            limits.take_token("bapenda", client)
    with pytest.raises(Limited, match=r"^tokens"):
        limits.take_token("bapenda", "client_5")
    limits.take_token("dinkes", "client_6")


def test_waiting_readers_are_counted_while_they_wait(a_process: Process):
    allowance = a_process().get("bapenda")
    for _ in range(200):
        allowance.begin_waiting()
    with pytest.raises(AtOnce):
        allowance.begin_waiting()
    allowance.end_waiting()
    allowance.begin_waiting()


def test_one_with_many_waiting_readers_leaves_room_for_one_with_few(register: LimitRegister):
    limits = Limits(register, now=lambda: 0.0, waiting_readers=8)
    many, few = limits.get("bapenda"), limits.get("dinkes")
    for _ in range(4):
        many.begin_waiting()
    with pytest.raises(Crowded) as refused:
        many.begin_waiting()
    assert refused.value.status == 503
    assert "retry-after" in {name.lower() for name in refused.value.headers}
    few.begin_waiting()
    assert (many.waiting_readers, few.waiting_readers) == (4, 1)
    many.end_waiting()
    many.end_waiting()
    many.begin_waiting()


async def test_a_bounded_number_waits_for_a_turn(a_process: Process):
    allowance = a_process().get("bapenda")
    turns = allowance.questions
    turns.at_once = 0
    with pytest.raises(AtOnce):
        await allowance.wait_for_turn(turns, Limit.QUESTIONS)


def test_what_is_stored_is_limited_by_number(a_process: Process):
    allowance = a_process().get("bapenda")
    allowance.check_number(Limit.SUBSCRIPTIONS, 1)
    with pytest.raises(Full, match="2 of at most 2 subscriptions"):
        allowance.check_number(Limit.SUBSCRIPTIONS, 2)
