"""Upgrades in place: what a database of an earlier version holds is still there, in today's form."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.script import ScriptDirectory

from bus import json
from bus.agencies.memory import PollState, read_state, read_taken
from bus.contracts.lifecycle import State
from bus.contracts.registered import Move, read_version
from bus.disclosures import DisclosureLog, Wanted
from bus.disclosures.positions import pack_positions
from bus.identity import Participants
from bus.journal import Appender, Epochs, JournalReader, Persons, Receipt, Submission, begin_epoch
from bus.journal.identity import identity_of
from bus.journal.tables import PERSONS
from bus.refusals import Poll
from bus.storage import Storage, has_pending_migrations, knows_schema, open_storage, read_schema, upgrade
from bus.storage.migrate import _make_config
from bus.storage.transaction import get_connection
from tests.builders import a_strict_document

VERSIONS = sa.table(
    "contract_versions",
    *(
        sa.column(name)
        for name in (
            "contract_id",
            "version",
            "state",
            "document",
            "created_at",
            "created_by",
            "changed_at",
            "changed_by",
        )
    ),
)

JOURNAL = sa.table(
    "journal",
    *(
        sa.column(name)
        for name in (
            "position",
            "contract_id",
            "version_id",
            "participant",
            "identity",
            "content",
            "key",
            "previous",
            "person",
            "recorded_at",
            "body",
        )
    ),
)


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Storage]:
    """A database as the first version made it."""
    storage = open_storage(f"sqlite:///{tmp_path / 'bus.db'}")
    with storage.write() as transaction:
        config = _make_config()
        config.attributes["connection"] = get_connection(transaction)
        command.upgrade(config, "0001")
    yield storage
    storage.close()


def test_a_contract_version_keeps_what_is_known_of_its_history(storage: Storage) -> None:
    with storage.write() as transaction:
        transaction.execute(sa.text("INSERT INTO contracts (name) VALUES ('kependudukan.uji')"))
        for version, state in (("1.0.0", "active"), ("2.0.0", "draft")):
            document = json.dump_canonical(a_strict_document(version=version))
            row = (1, version, state, document, 1, "dukcapil-lamongan", 2, "operator")
            transaction.execute(sa.insert(VERSIONS).values(row))
    assert upgrade(storage)
    with storage.read() as transaction:
        histories = [read_version(transaction, "kependudukan.uji", version).history for version in ("1.0.0", "2.0.0")]
    drafted = Move(State.DRAFT, 1, "dukcapil-lamongan")
    assert histories == [(drafted, Move(State.ACTIVE, 2, "operator")), (drafted,)]


def test_an_upgrade_is_done_once(storage: Storage) -> None:
    assert has_pending_migrations(storage)
    assert [upgrade(storage), upgrade(storage)] == [True, False]


def test_alembic_and_the_names_of_the_files_say_the_same_of_the_migrations(storage: Storage) -> None:
    scripts = ScriptDirectory.from_config(_make_config())
    assert all(knows_schema(script.revision) for script in scripts.walk_revisions())
    assert not knows_schema("9999")
    upgrade(storage)
    with storage.read() as transaction:
        assert [read_schema(transaction)] == scripts.get_heads()


async def test_an_event_of_before_is_known_again_and_found_by_its_person(storage: Storage) -> None:
    event = {"specversion": "1.0", "id": "x" * 60, "source": "/uji", "type": "kependudukan.uji", "data": {"nik": "1"}}
    with storage.write() as transaction:
        for position, row in enumerate((event, {**event, "id": "2", "traceparent": "00-a"}), start=1):
            digest = bytes([position]) * 16
            values = (
                position,
                1,
                1,
                "dukcapil-lamongan",
                digest,
                digest,
                "1",
                position - 1 or None,
                "3524",
                1_767_323_045_000_006,
                json.dumps(row),
            )
            transaction.execute(sa.insert(JOURNAL).values(values))
        transaction.execute(sa.text("INSERT INTO records VALUES (1, '1', 2, false)"))
    upgrade(storage)
    appender = Appender(storage, lambda position: None)
    receipts = [await appender.append([_submission(event)]), await appender.append([_submission({**event, "id": "2"})])]
    changed = await appender.append([_submission({**event, "data": None})])
    await appender.close()
    assert receipts == [[Receipt(1, duplicate=True)], [Receipt(2, duplicate=True)]]
    assert changed == [Receipt(1, duplicate=True, conflict=True)]
    assert json.loads(JournalReader(storage).at([1])[1].body) == event | {
        "sequence": "00000000000000000001",
        "recordedtime": "2026-01-02T03:04:05.000006Z",
    }
    assert Persons(storage).events_about("3524") == [(1, 1), (2, 1)]
    newest, preceding = JournalReader(storage).record(1, "1"), JournalReader(storage).preceding([1, 2])
    assert newest is not None
    assert newest.position == 2
    assert preceding == {2: 1}


def _submission(event: dict[str, object]) -> Submission:
    identity = identity_of("dukcapil-lamongan", "/uji", str(event["id"]))
    return Submission(1, 1, "dukcapil-lamongan", identity, None, None, json.dumps(event))


async def test_an_odd_person_of_before_is_found_and_is_no_array(storage: Storage) -> None:
    persons = ["[3524", '["3524"]', "3524", None]
    with storage.write() as transaction:
        for position, person in enumerate(persons, start=1):
            digest, body = bytes([position]) * 16, b'{"id":"%d","source":"/uji"}' % position
            values = (position, 1, 1, "dukcapil-lamongan", digest, digest, None, None, person, 1, body)
            transaction.execute(sa.insert(JOURNAL).values(values))
    upgrade(storage)
    with storage.write() as transaction:
        # As when the tables beside the journal are made again from it.
        transaction.execute(sa.text("DELETE FROM journal_persons"))
        transaction.execute(sa.text("DELETE FROM journal_projected"))
    found = [Persons(storage).events_about(person) for person in persons if person is not None]
    assert found == [[(1, 1)], [(2, 1)], [(3, 1)]]


def test_a_client_of_before_keeps_its_scopes(storage: Storage) -> None:
    with storage.write() as transaction:
        transaction.execute(sa.text("INSERT INTO participants VALUES ('bapenda', 'Bapenda', 'app', 1)"))
        values = "('client_1', 'bapenda', 'sha256:a', 'admin events.read', NULL, 1, NULL)"
        transaction.execute(sa.text(f"INSERT INTO clients VALUES {values}"))
    upgrade(storage)
    found = Participants(storage).find_client("client_1")
    assert found is not None
    assert found.keep_scopes(["admin", "queries.call"], 0) == {"admin"}


POLLS = sa.table("polls", *(sa.column(name) for name in ("adapter", "operation", "cursor", "polled_at")))


def test_what_polls_remembered_of_lists_is_still_known(storage: Storage) -> None:
    digests = {"1": "a" * 16, "2": "b" * 16}
    memory = {"step": 7, "digests": digests}
    turn = {"number": 3, "cursors": {"2025": json.dumps(memory | {"step": 9}).decode(), "2026": None}}
    cursors = {
        ("kominfo", "indikator"): json.dumps(memory).decode(),
        ("bappenas", "dak"): json.dumps(turn).decode(),
        ("ksp", "laporan"): "2:0123456789abcdef",
        ("balai", "tinggi-air"): None,
    }
    with storage.write() as transaction:
        for (adapter, operation), cursor in cursors.items():
            row = {"adapter": adapter, "operation": operation, "cursor": cursor, "polled_at": 1}
            transaction.execute(sa.insert(POLLS).values(row))
    upgrade(storage)
    with storage.read() as transaction:
        states = {poll: read_state(transaction, Poll(*poll)) for poll in cursors}
        taken = [
            read_taken(transaction, Poll(*poll), source, None)
            for poll, source in (
                (("kominfo", "indikator"), "/kominfo/splp/indikator"),
                (("bappenas", "dak"), "/krisna/dak/2025"),
                (("bappenas", "dak"), "/krisna/dak/2026"),
            )
        ]
    assert taken == [digests, digests, {}]
    assert list(states.values()) == [
        PollState(None, 7),
        PollState('{"number": 3}', 9),
        PollState("2:0123456789abcdef", 0),
        PollState(None, 0),
    ]


def test_disclosures_of_before_are_found_by_person_and_participant(storage: Storage) -> None:
    """Also those from before equal ones were counted, and events that did not leave."""
    names = (
        "id, at, participant, client_id, channel, contract_id, version, purpose, legal_basis, fields, positions, person"
    )
    wide = pack_positions([1, 300, 40_000])
    old = (
        (1, "dinkes", "client_1", "feed", pack_positions(range(1, 6)), None),
        (2, "dinsos", None, "webhook", wide, None),
        (3, "dinkes", "client_1", "query", None, "3524"),
        (7, "dinkes", "client_1", "feed", pack_positions([2]), None),
    )
    with storage.write() as transaction:
        for number, participant, client, channel, positions, person in old:
            values = {
                "id": number,
                "who": participant,
                "client": client,
                "channel": channel,
                "held": positions,
                "of": person,
            }
            transaction.execute(
                sa.text(
                    f"INSERT INTO disclosures ({names}) "
                    "VALUES (:id, :id, :who, :client, :channel, 1, '1.0.0', 'uji', 'PKS', '[\"\"]', :held, :of)"
                ),
                values,
            )
        rows = [{"stretch": position // 16_384, "person": "3524", "position": position} for position in (3, 40_000)]
    upgrade(storage)
    with storage.write() as transaction:
        transaction.execute(sa.insert(PERSONS), [row | {"contract_id": 1} for row in rows])
        transaction.execute(sa.text("UPDATE journal_projected SET position = 40000"))
    log = DisclosureLog(storage, Persons(storage))
    about = log.search(Wanted("3524"), None, 10)
    assert [one.place.id for one in about] == [3, 2, 1]
    assert about[1].positions == [1, 300, 40_000]
    assert [one.place.id for one in log.search(Wanted(participant="dinkes"), None, 10)] == [7, 3, 1]
    log.record([replace(about[2].disclosure, positions=(3,))])
    assert [one.place.id for one in log.search(Wanted("3524", client_id="client_1"), None, 10)] == [8, 3, 1]


@pytest.mark.parametrize("is_restored", [True, False])
def test_a_back_up_from_before_epochs_gets_one_with_its_upgrade(storage: Storage, is_restored: bool) -> None:
    if is_restored:
        with storage.write() as transaction:
            begin_epoch(transaction)
    upgrade(storage)
    epochs = Epochs(storage)
    epochs.refresh()
    assert (epochs.current > 0, epochs.find_common(0, 5)) == (is_restored, 0 if is_restored else 5)
