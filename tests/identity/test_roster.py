"""The roster: a list of participants is read with all its mistakes, planned, and carried out as a whole."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier

import pytest

from bus.actions.action import Verb
from bus.identity.participants import Kind, Participant, Participants
from bus.identity.roster import (
    Change,
    RosterChanged,
    RosterInvalid,
    carry_out_roster,
    find_missing,
    plan_roster,
    read_roster,
    set_participant,
)
from bus.storage import Storage, open_storage, upgrade
from tests.an_actor import OPERATOR, actions, raw_log

DINKES = Participant("dinkes", "Dinas Kesehatan", Kind.APP)


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Storage]:
    opened = open_storage(f"sqlite:///{tmp_path / 'bus.db'}")
    upgrade(opened)
    yield opened
    opened.close()


def test_a_participant_without_a_title_has_its_name_as_title():
    assert read_roster({"participants": [{"name": "dinkes", "kind": "app"}]}) == [
        Participant("dinkes", "dinkes", Kind.APP)
    ]


def test_every_mistake_is_named_at_its_place():
    with pytest.raises(RosterInvalid) as refused:
        read_roster(
            {
                "versi": 1,
                "participants": [
                    {"name": "Dinkes", "kind": "raja", "judul": "x"},
                    "bapenda",
                    {"name": "operator", "kind": "operator", "title": "a\nb"},
                    {"name": "dpupr", "kind": ["app"], "title": ""},
                    {"name": "dpupr", "kind": "app", "contact": "a@b.example, c@d.example"},
                ],
            }
        )
    assert {error.pointer for error in refused.value.errors} == {
        "/versi",
        "/participants/0/name",
        "/participants/0/kind",
        "/participants/0/judul",
        "/participants/1",
        "/participants/2/name",
        "/participants/2/kind",
        "/participants/2/title",
        "/participants/3/kind",
        "/participants/3/title",
        "/participants/4/name",
        "/participants/4/contact",
    }


@pytest.mark.parametrize("document", [None, [], "x", {}, {"participants": []}, {"participants": {"name": "x"}}])
def test_a_document_without_a_list_is_refused(document: object):
    with pytest.raises(RosterInvalid):
        read_roster(document)


def test_applying_a_list_again_changes_nothing(storage: Storage):
    carry_out_roster(storage, plan_roster(storage, [DINKES]), OPERATOR)
    again = plan_roster(storage, [DINKES])
    carry_out_roster(storage, again, OPERATOR)
    assert [step.change for step in again] == [Change.NOTHING]
    assert [one.what for one in actions(storage)] == [Verb.PARTICIPANT_ADD]


def test_a_title_and_a_kind_are_corrected_and_noted(storage: Storage):
    Participants(storage).add("dinkes", "Dinkes", Kind.DEVELOPER, OPERATOR)
    steps = plan_roster(storage, [DINKES])
    assert str(steps[0]) == "update dinkes: kind developer -> app, title 'Dinkes' -> 'Dinas Kesehatan'"
    carry_out_roster(storage, steps, OPERATOR)
    assert Participants(storage).get("dinkes") == DINKES
    assert Verb.PARTICIPANT_UPDATE in [one.what for one in actions(storage)]


def test_a_list_without_a_contact_keeps_the_one_that_the_bus_knows(storage: Storage):
    Participants(storage).add("dinkes", "Dinas Kesehatan", Kind.APP, OPERATOR, "tik@dinkes.example")
    assert [step.change for step in plan_roster(storage, [DINKES])] == [Change.NOTHING]
    moved = replace(DINKES, contact="helpdesk@dinkes.example")
    steps = plan_roster(storage, [moved])
    assert str(steps[0]) == "update dinkes: contact changed"
    carry_out_roster(storage, steps, OPERATOR)
    assert Participants(storage).get("dinkes") == moved
    assert "@dinkes" not in raw_log(storage)
    assert actions(storage)[-1].details == {"contact": "changed"}


def test_nothing_is_applied_if_a_participant_changed_after_the_plan(storage: Storage):
    steps = plan_roster(storage, [Participant("bapenda", "Bapenda", Kind.APP), DINKES])
    Participants(storage).add("dinkes", "Dinkes", Kind.APP, OPERATOR)
    with pytest.raises(RosterChanged):
        carry_out_roster(storage, steps, OPERATOR)
    assert find_missing(storage, {"bapenda", "dinkes"}) == ["bapenda"]


def test_the_same_participant_set_by_many_at_once_is_no_conflict(storage: Storage):
    start = Barrier(8)

    def change(_: int) -> Change:
        start.wait()
        return set_participant(storage, DINKES, OPERATOR).change

    with ThreadPoolExecutor(8) as threads:
        changes = list(threads.map(change, range(8)))
    assert sorted(one.value for one in changes) == ["add"] + ["unchanged"] * 7
