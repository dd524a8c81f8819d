"""Who acts on the bus's own machine."""

import os
import pwd
from pathlib import Path

import pytest

from bus.actions.actor import Channel, identify_operator, read_login_uid
from tests.an_actor import OPERATOR, an_actor


@pytest.mark.parametrize(("text", "number"), [("1000", 1000), ("0", 0), ("4294967295", None), ("", None), ("x", None)])
def test_who_logged_in_is_known_through_sudo(tmp_path: Path, text: str, number: int | None):
    (tmp_path / "loginuid").write_text(text)
    assert read_login_uid(tmp_path / "loginuid") == number


def test_without_that_file_nobody_is_known_to_have_logged_in(tmp_path: Path):
    assert read_login_uid(tmp_path / "loginuid") is None


def test_the_environment_does_not_say_who_acts(monkeypatch: pytest.MonkeyPatch):
    for name in ("USER", "LOGNAME", "SUDO_USER", "USERNAME"):
        monkeypatch.setenv(name, "orang-lain")
    assert identify_operator(Channel.CLI).user in {pwd.getpwuid(os.getuid()).pw_name, _login()}


def _login() -> str | None:
    number = read_login_uid(Path("/proc/self/loginuid"))
    return None if number is None else pwd.getpwuid(number).pw_name


def test_an_actor_is_told_in_one_text():
    assert OPERATOR.label == "operator (user budi on bus-1)"
    assert an_actor("bapenda").label == "bapenda (client_x)"
