"""A trial: one operation of a document against a real address, shown with every secret hidden."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from bus.declared.document import AdapterDocument, ApiKey, Deliver, Login, OAuth2, Poll, Push, Signature
from bus.declared.draft import Draft
from bus.declared.errors import AdapterInvalid
from bus.declared.factory import DeclaredFactory, Surroundings, make_vault
from bus.declared.mapper import Mapper
from bus.declared.vault import HIDDEN
from bus.kit import AdapterSettings, AgencyFault, Event, Outcome, Polled, Question, Refused

_LONGEST_BODY: Final = 4096


@dataclass(slots=True)
class Shown:
    """What a trial shows.

    Attributes:
        lines: requests and answers, as they were on the wire, without secrets.
        result: what the bus makes of them.
        has_failed: whether the agency, or the mapping, refused.
    """

    lines: list[str] = field(default_factory=list)
    result: Any = None
    has_failed: bool = False


async def try_operation(
    document: AdapterDocument,
    name: str,
    payload: Any,
    settings: AdapterSettings,
    surroundings: Surroundings,
    cursor: str | None = None,
) -> Shown:
    """What an operation does with a payload.

    Args:
        name: the operation's name.
        payload: deliver: an event, a list of events, or data alone. query: the question. poll: nothing.
        settings: the operator's settings for the adapter.
        cursor: poll: where the step begins.

    Raises:
        AdapterInvalid: the document has no such operation, or it is a push.
        SettingsWrong: a secret is not bound to the host.
    """
    operation = next((one for one in document.operations if one.name == name), None)
    if operation is None:
        names = ", ".join(one.name for one in document.operations)
        raise AdapterInvalid(f"The document has no operation {name}. It has {names}.")
    if isinstance(operation, Push):
        raise AdapterInvalid(
            f"The agency calls the bus by {name}, so nothing can be sent; `bus adapter lint` runs examples."
        )
    shown = Shown()
    teller = _Teller(document, settings, shown)
    around = Surroundings(
        surroundings.networks, surroundings.transport, Mapper(document.adapter, explain=True), teller.tell
    )
    adapter = DeclaredFactory(document, around).create(settings)
    try:
        match operation:
            case Deliver():
                outcomes = await adapter.deliver(name, _read_events(operation, payload))
                shown.result = [_write_outcome(one) for one in outcomes]
                shown.has_failed = any(one.failure is not None for one in outcomes)
            case Poll():
                shown.result = _write_polled(await adapter.poll(name, cursor))
            case _:
                contract = operation.contracts[0] if operation.contracts else "uji.coba"
                shown.result = await adapter.query(name, Question(contract, payload or {}, "coba"))
    except (AgencyFault, Refused) as refused:
        shown.has_failed = True
        shown.result = {"failure": refused.detail}
        if isinstance(refused, AgencyFault):
            shown.result = _write_outcome(refused.to_outcome())
    finally:
        await adapter.close()
    shown.result = teller.hide(shown.result)
    return shown


class _Teller:
    """Writes exchanges down, without secrets and tokens."""

    def __init__(self, document: AdapterDocument, settings: AdapterSettings, shown: Shown) -> None:
        self._vault = make_vault(document, settings.model_dump())
        self._headers = {"authorization"}
        self._parameters: set[str] = set()
        self._shown = shown
        for auth in document.auth:
            match auth:
                case OAuth2() | Login() | Signature():
                    self._headers.add(auth.header.lower())
                case ApiKey():
                    (self._headers if auth.place == "header" else self._parameters).add(auth.name.lower())
                case _:
                    continue

    def tell(self, draft: Draft, response: httpx.Response) -> None:
        """Write one exchange down."""
        query = "&".join(f"{name}={self._hide(name, value, self._parameters)}" for name, value in draft.query)
        lines = [f"> {draft.method} {draft.address}{'?' if query else ''}{query}"]
        lines += [f"> {name}: {self._hide(name, value, self._headers)}" for name, value in draft.headers.items()]
        if draft.body:
            lines += ["> ", f"> {self._write_body(draft.body)}"]
        lines += [f"< HTTP {response.status_code}"]
        lines += [f"< {name}: {value}" for name, value in response.headers.items()]
        if response.content:
            lines += ["< ", f"< {self._write_body(response.content)}"]
        self._shown.lines += [self._vault.hide(line) for line in lines]

    def hide(self, value: Any) -> Any:
        """A JSON value without secrets."""
        match value:
            case str():
                return self._vault.hide(value)
            case Mapping():
                return {self._vault.hide(str(name)): self.hide(item) for name, item in value.items()}
            case list():
                return [self.hide(item) for item in value]
            case _:
                return value

    def _write_body(self, body: bytes) -> str:
        # Secrets are hidden before the cut, which may go through one.
        text = self._vault.hide(body.decode("utf-8", "replace"))
        return text if len(text) <= _LONGEST_BODY else f"{text[:_LONGEST_BODY]}… ({len(body)} bytes)"

    def _hide(self, name: str, value: str, hidden: set[str]) -> str:
        return HIDDEN if name.lower() in hidden else value


def _read_events(operation: Deliver, payload: Any) -> list[Event]:
    contract = operation.contracts[0] if operation.contracts else "uji.coba"
    first = {"id": "coba", "source": "/coba", "type": contract}
    if isinstance(payload, list):
        return [Event.from_document(first | event) for event in payload]
    is_event = isinstance(payload, Mapping) and "data" in payload and {"id", "type", "subject"} & payload.keys()
    return [Event.from_document(first | (dict(payload) if is_event else {"data": payload}))]


def _write_outcome(outcome: Outcome) -> dict[str, Any]:
    if outcome.failure is None:
        return {"outcome": "delivered"}
    told = {"outcome": outcome.failure.value, "detail": outcome.detail, "retry_after": outcome.retry_after}
    return {name: value for name, value in told.items() if value is not None}


def _write_polled(polled: Polled) -> dict[str, Any]:
    rows = polled.rows.rows if polled.rows else ()
    return {
        "rows": [
            {"key": row.key, "data": row.data} if row.fault is None else {"key": row.key, "fault": row.fault.detail}
            for row in rows
        ],
        "more": polled.more,
        "cursor": polled.cursor,
    }


def name_settings(document: AdapterDocument, given: Mapping[str, str], host: str) -> dict[str, str]:
    """Settings from a command line. A secret that is given there may go to the host that is tried."""
    hosts = {f"{name}_hosts": host for name in given if name in document.secrets}
    return hosts | dict(given)
