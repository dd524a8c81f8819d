"""No secret and no person is in a log or an error, whatever the agency answers."""

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from bus.kit.conformance.case import AdapterCase, run
from bus.kit.conformance.logs import read_logs
from bus.kit.conformance.running_agency import RunningAgency

_STATUSES: Final = (200, 400, 401, 403, 404, 409, 422, 429, 500, 503)


class SecrecyTests(AdapterCase):
    """Logs go to many places, and errors to participants."""

    def test_an_answer_that_repeats_the_request_leaks_nothing(self, agency: RunningAgency, operation: str) -> None:
        """The agency repeats URL, headers and body of each request in its errors, as some do."""

        async def check() -> str:
            texts = []
            for status in _STATUSES:
                async with self.open(agency.address) as adapter:
                    # The adapter has logged in before the agency begins to repeat.
                    await self.expect_success(adapter, operation)
                    with agency.replace(_Echo(status)):
                        texts.append((await self.call(adapter, operation)).text)
            return "\n".join(texts)

        with read_logs() as logged:
            text = run(check())
        self._check_nothing_leaks(agency, operation, text + "\n".join(logged))

    def test_no_fault_leaks_anything(self, agency: RunningAgency, operation: str) -> None:
        """All faults of the simulator in turn."""

        async def check() -> str:
            texts = []
            for fault in self.simulator.faults:
                agency.switch_off()
                agency.switch_on(f"{fault}:seconds=0" if fault in ("latency", "slow") else fault)
                async with self.open(agency.address) as adapter:
                    texts.append((await self.call(adapter, operation)).text)
            return "\n".join(texts)

        with read_logs() as logged:
            text = run(check())
        self._check_nothing_leaks(agency, operation, text + "\n".join(logged))

    def _check_nothing_leaks(self, agency: RunningAgency, operation: str, text: str) -> None:
        hidden = self.list_secrets(agency.address) | set(self.persons) | self._list_persons(operation)
        # The names alone, since a report of this test is a log, too.
        assert not [f"{one[:2]}…" for one in hidden if one in text], "a secret or a person is in a log or an error"
        assert agency.address not in text, "a URL is in a log or an error; some agencies take their token in the query"

    def _list_persons(self, name: str) -> set[str]:
        """What the operation's own test data say about their persons."""
        operation = self.get_operation(name)
        pointers = {operation.person, *operation.definitions} - {None}
        data: list[Any] = [event.data for event in self.events.get(name, ())]
        found = (_resolve(one, str(at)) for one in [*data, self.questions.get(name)] for at in pointers)
        return {value for value in found if isinstance(value, str)}


class _Echo:
    """An agency that repeats each request, with one status."""

    def __init__(self, status: int) -> None:
        self._status = status

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        said = f"{request.method} {request.url} {dict(request.headers)} {(await request.body()).decode()}"
        await JSONResponse({"message": said, "error": {"code": 1, "message": said}}, self._status)(scope, receive, send)


def _resolve(value: Any, pointer: str) -> Any:
    for part in pointer.split("/")[1:]:
        value = value.get(part) if isinstance(value, dict) else None
    return value
