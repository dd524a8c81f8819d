"""`bus pull` from what is no honest bus: a proxy that changes answers, a login page, a server that never ends a line."""

from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest

from bus import json
from bus.pull import CopyDiffers, Pull, Source, open_target, source
from bus.pull.errors import AnswerAltered
from bus.remote import BusAway, BusRefuses
from tests.pull.a_copy import Told

NAME = "kependudukan.warga"
Answers = Callable[[str, str], httpx.Response]
"""What answers to a path with a cursor."""


def a_line(number: int, **changes: Any) -> bytes:
    event = {"specversion": "1.0", "subject": f"k{number}", "sequence": f"{number:020}", "data": {"nik": f"k{number}"}}
    return json.dumps(event | changes) + b"\n"


def a_stream(*lines: bytes, altered: bytes = b"", **trailer: Any) -> httpx.Response:
    """Lines with their trailer; `altered` comes in the place of the last one."""
    digest = f"sha256:{sha256(b''.join(lines)).hexdigest()}"
    sent = [*lines[:-1], altered] if altered else [*lines]
    end = json.dumps({"next": "end", "count": len(lines), "digest": digest} | trailer) + b"\n"
    return httpx.Response(200, headers={"content-type": "application/x-ndjson"}, content=b"".join([*sent, end]))


def an_access(**changes: Any) -> httpx.Response:
    grant = {"participant": "", "granted": None, "fields": [], "rows": [], "ended": False}
    return httpx.Response(200, json={"versions": [{"version": "1.0.0", "grants": [grant | changes]}]})


class Copying:
    """A copy of what some answers say, in a database of its own."""

    def __init__(self, folder: Path) -> None:
        self._target = f"sqlite:///{folder}/copy.db"

    def pull(self, answers: Answers, *, verifies: bool = False) -> dict[str, Any]:
        """Bring it up to date; its records."""

        def answer(request: httpx.Request) -> httpx.Response:
            return answers(request.url.path.removeprefix(f"/v1/records/{NAME}"), request.url.params.get("after", ""))

        client = httpx.Client(
            base_url="http://bus", transport=httpx.MockTransport(answer), headers={"authorization": "x"}
        )
        with client as bus, open_target(self._target, NAME) as target:
            pulling = Pull(Source(bus, NAME), target.store, Told(), target.write, pauses=(0.0, 0.0))
            pulling.run()
            if verifies:
                pulling.verify()
            return {key: json.loads(event)["data"] for key, event in target.store.read_events()}


@pytest.fixture
def copying(tmp_path: Path) -> Copying:
    return Copying(tmp_path)


@pytest.mark.parametrize(
    "altered", [a_line(2, data={"nik": "false"}), a_line(2, subject="false"), b"<html>gateway</html>\n"]
)
def test_a_record_that_was_changed_on_its_way_does_not_stay_in_the_copy(copying: Copying, altered: bytes):
    streams = 0

    def answers(path: str, after: str) -> httpx.Response:
        nonlocal streams
        if path:
            return an_access()
        streams += 1
        if streams == 1:
            return a_stream(a_line(1), a_line(2), altered=altered)
        return a_stream(*(line for line in (a_line(1), a_line(2)) if after == ""))

    assert copying.pull(answers) == {"k1": {"nik": "k1"}, "k2": {"nik": "k2"}}


def test_a_changed_record_that_was_written_before_the_end_of_its_stream_does_not_stay(copying: Copying):
    # More than a pull keeps in memory: the copy holds the first lines when the trailer shows that one was changed.
    lines = [a_line(number) for number in range(1, 1502)]
    streams = 0

    def answers(path: str, after: str) -> httpx.Response:
        nonlocal streams
        if path:
            return an_access()
        streams += 1
        if streams == 1:
            whole = a_stream(*lines)
            return httpx.Response(
                200, headers=whole.headers, content=whole.content.replace(a_line(1), a_line(1, data={"nik": "false"}))
            )
        return a_stream(*lines[int(after) if after else 0 :])

    copy = copying.pull(answers)
    assert (len(copy), copy["k1"]) == (1501, {"nik": "k1"})


@pytest.mark.parametrize(
    "line",
    [
        a_line(1, sequence=None),
        a_line(1, sequence="abc"),
        a_line(1, sequence=[1]),
        a_line(1, sequence="9" * 20),
        b'{"specversion":"1.0","subject":"k1","sequence":"00000000000000000001"}\n',
        b"[]\n",
    ],
)
def test_a_line_that_is_no_record_is_refused_and_no_defect(copying: Copying, line: bytes):
    asked = 0

    def answers(path: str, after: str) -> httpx.Response:
        nonlocal asked
        asked += not path
        return an_access() if path else a_stream(line)

    with pytest.raises(AnswerAltered):
        copying.pull(answers)
    assert asked == 3


@pytest.mark.parametrize("following", [None, "", 5, {"a": 1}])
def test_a_trailer_without_a_cursor_is_refused(copying: Copying, following: Any):
    with pytest.raises(AnswerAltered):
        copying.pull(lambda path, after: an_access() if path else a_stream(a_line(1), next=following))


def test_a_line_without_an_end_is_broken_off(copying: Copying, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(source, "_LONGEST_LINE", 1_000_000)
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        while sent < 1000:
            sent += 1
            yield b"A" * 65_536

    def answers(path: str, after: str) -> httpx.Response:
        head = {"content-type": "application/x-ndjson", "bus-count": "9" * 5000}
        return an_access() if path else httpx.Response(200, headers=head, content=endless())

    with pytest.raises(AnswerAltered):
        copying.pull(answers)
    assert sent < 100


@pytest.mark.parametrize("document", [{"x": 1}, {"versions": 5}, {"versions": [[]]}, {"versions": [{"version": "1"}]}])
def test_an_access_that_nobody_understands_is_refused_and_no_defect(copying: Copying, document: Any):
    with pytest.raises(AnswerAltered):
        copying.pull(lambda path, after: httpx.Response(200, json=document))


@pytest.mark.parametrize("errors", ["abc", [{"x": 1}], [5], {"a": 1}])
def test_a_problem_that_nobody_understands_is_told_and_no_defect(copying: Copying, errors: Any):
    with pytest.raises(BusRefuses, match="so it is"):
        copying.pull(lambda path, after: httpx.Response(403, json={"type": 5, "detail": "so it is", "errors": errors}))


@pytest.mark.parametrize(
    "digests",
    [
        {"ranges": [], "next": ""},
        {"ranges": [{"to": 5, "count": 1, "digest": "x"}], "next": None},
        {"ranges": [{"to": "k1"}], "next": None},
        {"ranges": [{"to": key, "count": 1, "digest": "x"} for key in ("k2", "k1")], "next": None},
    ],
)
def test_digests_that_lead_nowhere_end_the_comparison(copying: Copying, digests: Any):
    def answers(path: str, after: str) -> httpx.Response:
        if path == "/digest":
            return httpx.Response(200, json=digests)
        return an_access() if path else a_stream(a_line(1))

    with pytest.raises(BusAway) as refused:
        copying.pull(answers, verifies=True)
    assert not isinstance(refused.value, CopyDiffers)


def test_what_a_version_showed_goes_when_its_grant_ends_and_another_version_s_goes_on(copying: Copying):
    """The bus tells of no deletion: the records are there, and the reader may not see them any more."""
    both, one = (a_line(1), a_line(2)), (a_line(2),)
    copying.pull(lambda path, after: an_access() if path else a_stream(*both))
    seen = copying.pull(
        lambda path, after: an_access(ended=True) if path else a_stream(*(() if after else one), next="end2")
    )
    assert seen == {"k2": {"nik": "k2"}}
