"""Why a database cannot be reached is named: each part of an address fails in its own way."""

import socket

import pytest
from sqlalchemy.engine import make_url

from bus.storage.causes import _name_cause, explain_unreachable
from tests.services.servers import a_scratch_database

URL = make_url("postgresql://bus:rahasia@db.example/bus")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ('FATAL: password authentication failed for user "bus"', "refuses the password of bus"),
        ('FATAL: database "bus" does not exist', "has no database bus"),
        ('FATAL: role "bus" does not exist', "has no user bus"),
        ('FATAL: role "bus" is not permitted to log in', "lets bus not log in"),
        ("connection refused", "Nothing listens at db.example:5432"),
        ("connection timeout expired", "does not answer; a firewall"),
        ("FATAL: no pg_hba.conf entry for host", "does not let bus in"),
        ("FATAL: sorry, too many clients already", "no connection left"),
        ("SSL error: certificate verify failed", "TLS with PostgreSQL"),
        ("FATAL: the database system is starting up", "is it starting"),
    ],
)
def test_each_cause_has_words_of_its_own_and_the_password_is_in_none(said: str, told: str) -> None:
    text = _name_cause(said.lower(), URL, "db.example:5432")
    assert told in text
    assert "rahasia" not in text


def test_the_end_of_a_password_with_an_at_sign_was_shown_as_the_host() -> None:
    text = explain_unreachable("postgresql://bus:ru@mah@sia@db.example/bus").detail
    assert "%40" in text
    assert "mah" not in text
    assert "sia" not in text


def test_a_wrong_host_and_a_wrong_port_differ() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert "Nothing listens" in explain_unreachable(f"postgresql://bus@127.0.0.1:{port}/bus").detail
    assert "no host tidak.ada.invalid" in explain_unreachable("postgresql://bus@tidak.ada.invalid/bus").detail


@pytest.mark.postgres
def test_a_wrong_database_is_named_by_the_server_itself() -> None:
    with a_scratch_database() as url:
        wrong = make_url(url).set(database="tidak_ada").render_as_string(hide_password=False)
        assert "has no database tidak_ada" in explain_unreachable(wrong).detail
