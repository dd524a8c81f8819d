"""The action log: written with the act or not at all, never changed, and searched."""

from contextlib import suppress
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy import exc

from bus import clock
from bus.actions.action import Action, Object, Result, Verb
from bus.actions.log import ActionLog, Wanted, note
from bus.actions.tables import ACTIONS
from bus.storage import Storage
from tests.an_actor import OPERATOR, actions, an_actor, last_action


def an_action(what: Verb = Verb.CLIENT_ADD, on: str = "client_1", **changes: object) -> Action:
    return Action(what, **({"by": OPERATOR, "on": Object(what.kind, on)} | changes))  # type: ignore[arg-type]


def found(storage: Storage, **wanted: object) -> list[str]:
    entries = ActionLog(storage).search(Wanted(**wanted), None, 100, OPERATOR)  # type: ignore[arg-type]
    return [one.action.on.id for one in entries if one.action.what is not Verb.ACTIONS_READ]


def test_an_entry_is_found_as_it_was_noted(storage: Storage):
    whole = an_action(
        by=an_actor("bapenda", trace_id="a" * 32),
        on_behalf_of="dinkes",
        before={"state": "active"},
        after={"state": "paused"},
        details={"n": 1},
        result=Result.REFUSED,
        count=7,
    )
    ActionLog(storage).record([whole])
    assert actions(storage) == [whole]


@pytest.mark.parametrize("order", [sa.update(ACTIONS).values(participant="lain"), sa.delete(ACTIONS)])
def test_the_database_refuses_to_change_an_entry(storage: Storage, order: sa.Executable):
    ActionLog(storage).record([an_action()])
    with pytest.raises(exc.DBAPIError, match="never changed"), storage.write() as transaction:
        transaction.execute(order)
    assert actions(storage) == [an_action()]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_sqlite_refuses_to_replace_an_entry(storage: Storage):
    ActionLog(storage).record([an_action(), an_action()])
    columns = ", ".join(column.name for column in ACTIONS.columns if column.name != "participant")
    replaced = (
        f"INSERT OR REPLACE INTO actions ({columns}, participant) SELECT {columns}, 'lain' FROM actions WHERE id = 1"
    )
    with pytest.raises(exc.DBAPIError, match="never changed"), storage.write() as transaction:
        transaction.execute(sa.text(replaced))
    assert actions(storage) == [an_action(), an_action()]


@pytest.mark.parametrize("database_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
def test_postgresql_refuses_to_truncate_the_log(storage: Storage):
    ActionLog(storage).record([an_action()])
    with pytest.raises(exc.DBAPIError, match="never changed"), storage.write() as transaction:
        transaction.execute(sa.text("TRUNCATE actions CASCADE"))
    assert actions(storage) == [an_action()]


def test_an_act_that_fails_takes_its_entry_along(storage: Storage):
    with suppress(ZeroDivisionError), storage.write() as transaction:
        note(transaction, an_action())
        raise ZeroDivisionError
    assert last_action(storage) == 0


@pytest.mark.parametrize(
    ("wanted", "ids"),
    [
        ({}, ["c", "b", "a"]),
        ({"who": "bapenda"}, ["b"]),
        ({"who": "client_x"}, ["b"]),
        ({"who": "budi"}, ["c", "a"]),
        ({"what": Verb.CLIENT_REVOKE}, ["c"]),
        ({"object": "a"}, ["a"]),
        ({"object": "%"}, []),
        ({"since": clock.now() + timedelta(hours=1)}, []),
        ({"until": clock.now() - timedelta(hours=1)}, []),
        ({"until": clock.now() + timedelta(hours=1), "who": "bapenda"}, ["b"]),
    ],
)
def test_a_search_finds_what_is_wanted_newest_first(storage: Storage, wanted: dict[str, object], ids: list[str]):
    entries = [an_action(on="a"), an_action(on="b", by=an_actor("bapenda")), an_action(Verb.CLIENT_REVOKE, on="c")]
    ActionLog(storage).record(entries)
    assert found(storage, **wanted) == ids


def test_a_contract_s_name_stands_for_its_versions(storage: Storage):
    ids = ("uji.satu/1.0.0", "uji.satu/2.0.0", "uji.satu-lain/1.0.0", "uji.satu")
    ActionLog(storage).record([an_action(Verb.CONTRACT_DRAFT, on=one) for one in ids])
    assert found(storage, object="uji.satu") == ["uji.satu", "uji.satu/2.0.0", "uji.satu/1.0.0"]


def test_who_looks_is_in_the_log(storage: Storage):
    ActionLog(storage).search(Wanted(who="bapenda"), None, 10, an_actor("inspektorat"))
    (told,) = [one for one in actions(storage) if one.what is Verb.ACTIONS_READ]
    assert (told.by.participant, told.details) == ("inspektorat", {"who": "bapenda"})
