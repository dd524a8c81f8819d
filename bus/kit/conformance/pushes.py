"""Pushes: the agency proves itself, a wrong or old proof lets nobody in, and no body breaks the adapter."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from traceback import format_exception
from typing import Final

import pytest
from pydantic import SecretStr, ValidationError

from bus.clock import now
from bus.json import dump_canonical
from bus.kit.conformance.case import AdapterCase, run
from bus.kit.conformance.logs import read_logs
from bus.kit.failure import Failure
from bus.kit.fault import AgencyFault
from bus.kit.push import Push, PushAnswer, PushRequest, PushUnreadable, Verdict
from bus.kit.rows import Rows

_NOWHERE: Final = "http://127.0.0.1:9"
"""A push calls no agency."""
_GARBAGE: Final = (
    b"",
    b"null",
    b"[]",
    b'"x"',
    b'{"a":',
    b"\xff\xfe",
    b"[" * 500,
    b"<html><body>Kesalahan</body></html>",
)
_LARGE: Final = b'{"isi": "' + b"x" * 10 * 1024 * 1024 + b'"}'
_MOMENT: Final = timedelta(seconds=1)


class PushTests(AdapterCase):
    """What the agency sends to the bus. Strangers can send to the same address."""

    def test_a_push_of_the_agency_gives_rows(self, push: str) -> None:
        """The proof lets it in, and each row has a key of its own and data in JSON."""
        at = now()
        request = self.pushes[push].make(at)

        async def check() -> None:
            async with self.open_push() as adapter:
                assert adapter.verify(push, replace(request, body=None)) is not False, "the proof is refused unread"
                assert adapter.verify(push, request) is True, "the proof is refused"
                rows = await self.receive(adapter, push, request)
                assert rows is not None, "the push gives no rows"
                assert rows.rows, "the push gives no rows"
                assert not [row.key for row in rows.rows if row.fault is not None], "a row cannot be read"
                keys = [row.key for row in rows.rows]
                assert None not in keys
                assert len(keys) == len(set(keys)), "two rows have one key"
                json.dumps([row.data for row in rows.rows])

        run(check())

    def test_a_push_without_the_agencys_proof_is_refused(self, push: str) -> None:
        """Without a proof, with the proof of other secrets, and where the bus has no secrets at all."""
        request = self.pushes[push].make(now())

        async def check() -> None:
            bare = replace(request, headers={}, query={}, query_string="")
            async with self.open_push() as adapter:
                assert adapter.verify(push, bare) is False, "a push without a proof is let in"
            for secret in ("rahasia-lain", ""):
                # An adapter may refuse to be made without its secrets.
                with suppress(ValidationError):
                    async with self.open_push(secret) as adapter:
                        assert adapter.verify(push, request) is False, (
                            f"the proof of other secrets is let in ({secret!r})"
                        )

        run(check())

    def test_a_proof_that_is_too_old_is_refused(self, push: str) -> None:
        """A request that somebody wrote down is of no use after the time that the case names in `lasts`."""
        lasts = self.pushes[push].lasts
        if lasts is None:
            pytest.skip("the agency's proof has no time")
        at = now()
        request = self.pushes[push].make(at)

        async def check() -> None:
            async with self.open_push() as adapter:
                assert adapter.verify(push, request) is True
                for moment in (at + lasts + _MOMENT, at - lasts - _MOMENT):
                    assert adapter.verify(push, replace(request, at=moment)) is False, "an old proof is let in"

        run(check())

    def test_a_push_that_comes_again_gives_the_same_rows(self, push: str) -> None:
        """The bus makes one event of them: by key and content, at this adapter or another one."""
        at = now()
        sample = self.pushes[push]

        async def check() -> None:
            found = []
            for _ in range(2):
                async with self.open_push() as adapter:
                    for moment in (at, at + _MOMENT):
                        rows = await self.receive(adapter, push, sample.make(moment))
                        assert rows is not None
                        found.append(
                            (rows.source, dump_canonical([[row.key, row.data, row.time] for row in rows.rows]))
                        )
            assert len(set(found)) == 1, "the same push gives other rows, so the bus would publish it again"

        run(check())

    def test_a_push_of_nonsense_is_refused_and_breaks_nothing(self, push: str) -> None:
        """No JSON, JSON of another form, and 10 MB. It is unreadable or has no good row, and raises nothing else."""
        request = self.pushes[push].make(now())

        async def check() -> None:
            async with self.open_push() as adapter:
                for body in (*_GARBAGE, _LARGE):
                    assert adapter.verify(push, replace(request, body=body)) in (True, False)
                    rows = await self.receive(adapter, push, replace(request, body=body))
                    good = [row.key for row in rows.rows if row.fault is None] if rows is not None else []
                    assert not good, f"nonsense of {len(body)} bytes is taken for a row"
                assert await self.receive(adapter, push, request) is not None, "the next push is refused"

        run(check())

    def test_each_verdict_has_an_answer_without_secrets(self, push: str) -> None:
        """The answer is JSON with an HTTP status, or the adapter leaves it to the bus."""

        async def check() -> str:
            texts = []
            async with self.open_push() as adapter:
                for verdict in Verdict:
                    answer = adapter.answer(push, verdict)
                    if answer is not None:
                        assert isinstance(answer, PushAnswer)
                        assert 200 <= answer.status < 600
                        texts.append(json.dumps(answer.body))
            return "".join(texts)

        self._check_hidden(run(check()), set())

    def test_no_push_leaks_anything(self, push: str) -> None:
        """No secret and no person of a push is in a log or an error, whether it is let in, refused or nonsense."""
        request = self.pushes[push].make(now())

        async def check() -> tuple[str, set[str]]:
            texts = []
            async with self.open_push() as adapter:
                rows = await self.receive(adapter, push, request)
                body = request.body or b""
                for one in (request, replace(request, headers={}), replace(request, body=body[: len(body) // 2])):
                    adapter.verify(push, one)
                    texts.append(await self._read_errors(adapter, push, one))
            return "".join(texts), self._list_pushed_persons(push, rows)

        with read_logs() as logged:
            text, persons = run(check())
        self._check_hidden(text + "\n".join(logged), persons)

    @asynccontextmanager
    async def open_push(self, secret: str | None = None) -> AsyncIterator[Push]:
        """The adapter, which calls no agency; `secret` replaces all its secrets."""
        given = dict(self.make_settings(_NOWHERE))
        secrets = [name for name, value in given.items() if isinstance(value, SecretStr)]
        changes = {} if secret is None else dict.fromkeys(secrets, secret)
        async with self.open(_NOWHERE, **changes) as adapter:
            assert isinstance(adapter, Push), "the adapter does not implement `Push`"
            yield adapter

    async def receive(self, adapter: Push, name: str, request: PushRequest) -> Rows | None:
        """The rows of a push; None: it is unreadable, or has to wait. Any other exception is a defect."""
        try:
            async with asyncio.timeout(self.longest):
                return await adapter.receive(name, request)
        except PushUnreadable:
            return None
        except AgencyFault as fault:
            if fault.failure is not Failure.TRANSIENT:
                pytest.fail(f"{name} raises a fault that is not transient: a push is unreadable, or waits")
            return None
        except TimeoutError:
            pytest.fail(f"{name} did not end within {self.longest:.0f} s")

    async def _read_errors(self, adapter: Push, name: str, request: PushRequest) -> str:
        """What a person may read of a push that fails."""
        try:
            await adapter.receive(name, request)
        except (PushUnreadable, AgencyFault) as error:
            return "".join(format_exception(error)) + error.detail
        return ""

    def _list_pushed_persons(self, name: str, rows: Rows | None) -> set[str]:
        pointer = self.get_operation(name).person
        data = [row.data for row in rows.rows] if rows is not None and pointer is not None else []
        found = [one.get(str(pointer)[1:]) for one in data if isinstance(one, dict)]
        return {value for value in found if isinstance(value, str)}

    def _check_hidden(self, text: str, persons: set[str]) -> None:
        hidden = self.list_secrets(_NOWHERE) | set(self.persons) | persons
        assert not [f"{one[:2]}…" for one in hidden if one and one in text], "a secret or a person is told"
