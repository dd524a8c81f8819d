"""Every act of the API on a bus that is ready for it: the OpenAPI document's operations that change or steer something."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

import httpx
import sqlalchemy as sa

from bus import json
from bus.actions.action import Verb
from bus.contracts import Waiting, Wish
from bus.contracts.document import parse_contract
from bus.delivery.ledger import Ledger, NewDelivery
from bus.delivery.replays import go_live
from bus.delivery.subscription import NewSubscription, Pull, Subscription, Webhook
from bus.identity.participants import Kind
from bus.identity.scopes import Scope
from bus.inquiries import NewInquiry
from bus.journal.tables import JOURNAL
from bus.staff import Role
from tests.a_bus import Bus
from tests.a_failure import a_failed_attempt
from tests.an_actor import OPERATOR
from tests.an_agency import AGENCY, ASK, AnAdapter, hold_some_deletions, join
from tests.builders import FAR, WARGA, a_document, a_grant, a_nik, an_entry
from tests.declared.a_declared_agency import a_body, register_active, register_draft

HOOK: Final = "http://127.0.0.1:1027/hook"
"""Nobody listens there."""

_PUBLIC: Final = [{"name": "uji", "url": "https://8.8.8.8/api"}]
"""Servers of a document, where the bus may connect to; no test does."""

NO_ACTS: Final = {
    "POST /oauth/token": "logs a client in: a failed login is an entry, a token is none",
    "POST /oauth/introspect": "reads",
    "POST /v1/agencies/{agency}/push/{operation}": "publishes: the journal tells who",
    "POST /v1/events": "publishes: the journal tells who",
    "POST /v1/queries/{contract}": "asks: the disclosures tell who",
    "POST /v1/queries/{contract}/batch": "asks: the disclosures tell who reads the answers",
    "POST /v1/subscriptions/{id}/pull": "reads: the disclosures tell who",
    "POST /v1/subscriptions/{id}/ack": "says what became of events: the deliveries tell",
    "POST /v1/subscriptions/{id}/nack": "says what became of events: the deliveries tell",
    "POST /v1/subscriptions/{id}/extend": "goes on with a pull",
    "POST /v1/contracts/check": "stores nothing",
    "POST /v1/contracts/odcs": "stores nothing",
    "POST /v1/contracts/{name}/validate": "stores nothing",
}
"""Operations that look like acts and are none, each with the reason."""


@dataclass(frozen=True)
class Ordered:
    """A request that does something."""

    path: str
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    form: dict[str, str] | None = None


class Site:
    """A bus with whatever can be acted on."""

    def __init__(self, bus: Bus) -> None:
        join(bus, AnAdapter())
        bus.apply(a_document(*map(a_grant, ("operator", "bapenda", AGENCY))))
        self.bus = bus
        bus.rooms.participants.add("bapenda", "Badan Pendapatan Daerah", Kind.APP, OPERATOR)
        self.operator = bus.reader("operator", *Scope)
        self._numbers = itertools.count(1)

    def subscription(self) -> Subscription:
        """A subscription of bapenda that is live."""
        subscriptions = self.bus.rooms.subscriptions
        made = subscriptions.add(NewSubscription("bapenda", [WARGA], Webhook(HOOK)), OPERATOR)
        with self.bus.rooms.storage.write() as transaction:
            go_live(transaction, made.number, 0)
        return made

    def paused(self) -> str:
        """The name of an agency that is paused."""
        self.bus.rooms.pauses.pause(AGENCY, None, "pemeliharaan", OPERATOR)
        return AGENCY

    def delivery(self) -> str:
        """The id of a pending delivery."""
        of, storage = self.subscription(), self.bus.rooms.storage
        with storage.write() as transaction:
            Ledger(storage).add(transaction, [NewDelivery(of.number, 7, None)], 0, again=False)
        return f"{of.id}.7"

    def answered(self) -> str:
        """The id of a pending delivery whose sink answered with an error."""
        made, storage = self.delivery(), self.bus.rooms.storage
        number = self.bus.rooms.subscriptions.get(made.rpartition(".")[0], None).number
        with storage.write() as transaction:
            Ledger(storage, self.bus.rooms.keys.encrypt).record(transaction, [a_failed_attempt(number, 7)])
        return made

    def version(self, state: str) -> str:
        """The path of a contract version that may become what `state` says."""
        catalogue, name = self.bus.rooms.catalogue, f"kependudukan.uji{next(self._numbers)}"
        contract = parse_contract(a_document(a_grant("bapenda"), contract=name))
        if state in ("deprecate", "retire"):
            catalogue.registrar.apply([contract], OPERATOR)
        else:
            catalogue.registrar.add_draft(contract, OPERATOR)
        return f"/v1/contracts/{name}/versions/1.0.0"

    def bound(self) -> str:
        """The path of a draft that names an operation of the agency's adapter, which no participant owns."""
        name = f"kependudukan.tanya{next(self._numbers)}"
        request = {"type": "object", "properties": {"nik": {"type": "string"}}, "required": ["nik"]}
        uses = [{"adapter": AGENCY, "operation": ASK}]
        query = {"kind": "query", "key": None, "schema": None, "request": request, "answer": {"type": "object"}}
        document = a_document(a_grant("bapenda"), contract=name, adapters=uses, **query)
        self.bus.rooms.catalogue.registrar.add_draft(parse_contract(document), OPERATOR)
        return f"/v1/contracts/{name}/versions/1.0.0"

    def adapter(self, state: str) -> str:
        """The path of a version of an adapter that may become what `state` says."""
        name = f"badan{next(self._numbers)}"
        register = register_active if state in ("deprecate", "retire") else register_draft
        register(self.bus, adapter=name, servers=_PUBLIC)
        return f"/v1/adapters/{name}/versions/1.0.0"

    def holding(self) -> str:
        """The name of an agency whose poll holds deletions back."""
        hold_some_deletions(self.bus.rooms.storage)
        return AGENCY

    def suspended(self) -> "Ordered":
        """The request that resumes a suspended grant."""
        self.bus.rooms.grants.suspend(WARGA, "bapenda", "sedang diperiksa", Waiting.KEEP, OPERATOR)
        return Ordered(f"/v1/contracts/{WARGA}/grants/bapenda/resume")

    def access_request(self) -> str:
        """The path of a request for access that waits."""
        wish = Wish(WARGA, "bapenda", "pajak", "Perda 1/2024", "PKS 9/2026", ("/nama",), date.fromisoformat(FAR))
        catalogue = self.bus.rooms.catalogue
        made = catalogue.registrar.access_requests.ask(wish, catalogue.newest(WARGA).contract, OPERATOR)
        return f"/v1/access-requests/{made.id}"

    def domain(self) -> str:
        """The path of a domain that has an owner."""
        self.bus.rooms.catalogue.registrar.set_domain_owner("kesehatan", "bapenda", OPERATOR)
        return "/v1/domains/kesehatan/owner"

    def event(self) -> str:
        """The path that opens an event."""
        version = self.bus.rooms.catalogue.newest(WARGA)
        entry = an_entry(next(self._numbers), contract_id=version.contract_id, version_id=version.id)
        with self.bus.rooms.storage.write() as transaction:
            row = entry._asdict() | {"identity": b"%d" % entry.position}
            transaction.execute(sa.insert(JOURNAL).values(row))
        return f"/v1/events/{entry.position}/open"

    def inquiry(self) -> str:
        """The path of an inquiry that is open."""
        made = self.bus.rooms.inquiries.open(NewInquiry(a_nik(1), "surat nomor 12"), OPERATOR)
        return f"/v1/inquiries/{made.number}"

    def member(self) -> str:
        """The path of a new account of staff."""
        accounts = self.bus.rooms.staff.accounts
        name = f"petugas-{len(accounts.list_page(100, ''))}"
        accounts.add(name, Role.AUDITOR, None, OPERATOR)
        return f"/v1/staff/{name}"

    def client(self) -> str:
        """The path of a client."""
        made, _ = self.bus.rooms.participants.add_client("bapenda", ["events.read"], by=OPERATOR)
        return f"/v1/participants/bapenda/clients/{made.client_id}"

    def token(self) -> dict[str, str]:
        """A client that proves itself, with a token of its own."""
        made, secret = self.bus.rooms.participants.add_client("bapenda", ["events.read"], by=OPERATOR)
        token = self.bus.rooms.tokens.issue(made, made.scopes, 600)
        return {"client_id": made.client_id, "client_secret": secret, "token": token}

    async def send(self, operation: str, ordered: Ordered, sender: httpx.AsyncClient) -> httpx.Response:
        """Send the request of an operation."""
        method = operation.partition(" ")[0]
        if ordered.form is not None:
            return await sender.request(method, ordered.path, data=ordered.form)
        body = None if ordered.body is None else json.dumps(ordered.body)
        headers = {"content-type": "application/json"} | ordered.headers
        return await sender.request(method, ordered.path, content=body, headers=headers)


def _steered(order: str, body: Any = None) -> Callable[[Site], Ordered]:
    return lambda site: Ordered(f"/v1/subscriptions/{site.subscription().id}{order}", body)


def _sought(site: Site) -> Ordered:
    made = site.bus.rooms.subscriptions.add(NewSubscription("bapenda", [WARGA], Pull()), OPERATOR)
    with site.bus.rooms.storage.write() as transaction:
        go_live(transaction, made.number, 0)
    return Ordered(f"/v1/subscriptions/{made.id}/seek", {"to": "beginning"})


def _moved(step: str, how: str = "") -> Callable[[Site], Ordered]:
    return lambda site: Ordered(f"{site.version(step)}/{step}{how}")


def _moved_adapter(step: str) -> Callable[[Site], Ordered]:
    return lambda site: Ordered(f"{site.adapter(step)}/{step}")


def _replaced(site: Site) -> Ordered:
    path = site.version("draft")
    changed = a_document(a_grant("bapenda"), contract=path.split("/")[3], title="Lain")
    return Ordered(path, changed, {"if-match": "*"})


def _asked(step: str, body: Any = None) -> Callable[[Site], Ordered]:
    return lambda site: Ordered(f"{site.access_request()}/{step}", body)


_WISH: Final = {
    "contract": WARGA,
    "purpose": "pemutakhiran wajib pajak",
    "legal_basis": "Perda 1/2024",
    "agreement": "PKS 9/2026",
    "fields": ["/nama"],
    "until": FAR,
}
_NEW_CLIENT: Final = {"scopes": ["events.read"]}
_NEW_PARTICIPANT: Final = {"name": "dinas-uji", "title": "Dinas Uji", "kind": "app"}
_NEW_SUBSCRIPTION: Final = {"contracts": [WARGA], "sink": {"url": HOOK}, "participant": "bapenda"}
_WHY: Final = {"reason": "surat pemohon nomor 12"}
_OTHER_SINK: Final = {"sink": {"url": f"{HOOK}/lain"}}

ACTS: Final[dict[str, tuple[Verb, Callable[[Site], Ordered]]]] = {
    "POST /oauth/revoke": (Verb.TOKEN_REVOKE, lambda site: Ordered("/oauth/revoke", form=site.token())),
    "POST /v1/participants": (Verb.PARTICIPANT_ADD, lambda _: Ordered("/v1/participants", _NEW_PARTICIPANT)),
    "PATCH /v1/participants/{name}": (
        Verb.PARTICIPANT_UPDATE,
        lambda _: Ordered("/v1/participants/bapenda", {"contact": "tik@bapenda.example"}),
    ),
    "PUT /v1/participants/{name}": (
        Verb.PARTICIPANT_UPDATE,
        lambda _: Ordered("/v1/participants/bapenda", {"title": "Bapenda Lamongan", "kind": "app"}),
    ),
    "PUT /v1/participants/{name}/limits": (
        Verb.LIMITS_SET,
        lambda _: Ordered("/v1/participants/bapenda/limits", {"limits": {"drafts": 7}}),
    ),
    "PUT /v1/domains/{domain}/owner": (
        Verb.DOMAIN_SET,
        lambda _: Ordered("/v1/domains/kesehatan/owner", {"owner": "bapenda"}),
    ),
    "DELETE /v1/domains/{domain}/owner": (Verb.DOMAIN_SET, lambda site: Ordered(site.domain())),
    "POST /v1/agencies/{agency}/release": (
        Verb.AGENCY_RELEASE,
        lambda site: Ordered(f"/v1/agencies/{site.holding()}/release"),
    ),
    "POST /v1/agencies/{agency}/pause": (
        Verb.AGENCY_PAUSE,
        lambda _: Ordered(f"/v1/agencies/{AGENCY}/pause", {"reason": "pemeliharaan"}),
    ),
    "POST /v1/agencies/{agency}/resume": (
        Verb.AGENCY_RESUME,
        lambda site: Ordered(f"/v1/agencies/{site.paused()}/resume"),
    ),
    "POST /v1/staff": (
        Verb.STAFF_ADD,
        lambda _: Ordered("/v1/staff", {"name": "petugas-baru", "role": "auditor"}),
    ),
    "POST /v1/staff/{name}/link": (Verb.STAFF_LINK, lambda site: Ordered(f"{site.member()}/link")),
    "POST /v1/staff/{name}/end-sessions": (
        Verb.STAFF_END_SESSIONS,
        lambda site: Ordered(f"{site.member()}/end-sessions"),
    ),
    "DELETE /v1/staff/{name}": (Verb.STAFF_DISABLE, lambda site: Ordered(site.member())),
    "POST /v1/participants/{name}/clients": (
        Verb.CLIENT_ADD,
        lambda _: Ordered("/v1/participants/bapenda/clients", _NEW_CLIENT),
    ),
    "PATCH /v1/participants/{name}/clients/{client_id}": (
        Verb.CLIENT_UPDATE,
        lambda site: Ordered(site.client(), {"scopes": ["queries.call"]}),
    ),
    "POST /v1/participants/{name}/clients/{client_id}/rotate-secret": (
        Verb.CLIENT_ROTATE_SECRET,
        lambda site: Ordered(f"{site.client()}/rotate-secret"),
    ),
    "DELETE /v1/participants/{name}/clients/{client_id}": (Verb.CLIENT_REVOKE, lambda site: Ordered(site.client())),
    "POST /v1/contracts": (
        Verb.CONTRACT_DRAFT,
        lambda _: Ordered("/v1/contracts", a_document(a_grant("bapenda"), contract="kependudukan.baru")),
    ),
    "PUT /v1/contracts/{name}/versions/{version}": (Verb.CONTRACT_DRAFT, _replaced),
    "POST /v1/contracts/{name}/versions/{version}/propose": (Verb.CONTRACT_PROPOSE, _moved("propose")),
    "POST /v1/contracts/{name}/versions/{version}/consent": (
        Verb.CONTRACT_CONSENT,
        lambda site: Ordered(f"{site.bound()}/consent"),
    ),
    "POST /v1/contracts/{name}/versions/{version}/activate": (
        Verb.CONTRACT_ACTIVATE,
        _moved("activate", "?grants=seen"),
    ),
    "POST /v1/contracts/{name}/versions/{version}/deprecate": (Verb.CONTRACT_DEPRECATE, _moved("deprecate")),
    "POST /v1/contracts/{name}/versions/{version}/retire": (Verb.CONTRACT_RETIRE, _moved("retire")),
    "POST /v1/adapters": (
        Verb.ADAPTER_DRAFT,
        lambda _: Ordered("/v1/adapters", a_body(adapter="badanlain", servers=_PUBLIC)),
    ),
    "POST /v1/adapters/{name}/versions/{version}/propose": (Verb.ADAPTER_PROPOSE, _moved_adapter("propose")),
    "POST /v1/adapters/{name}/versions/{version}/activate": (Verb.ADAPTER_ACTIVATE, _moved_adapter("activate")),
    "POST /v1/adapters/{name}/versions/{version}/deprecate": (Verb.ADAPTER_DEPRECATE, _moved_adapter("deprecate")),
    "POST /v1/adapters/{name}/versions/{version}/retire": (Verb.ADAPTER_RETIRE, _moved_adapter("retire")),
    "POST /v1/contracts/{name}/grants/{participant}/suspend": (
        Verb.GRANT_SUSPEND,
        lambda _: Ordered(f"/v1/contracts/{WARGA}/grants/bapenda/suspend", {"reason": "sedang diperiksa"}),
    ),
    "POST /v1/contracts/{name}/grants/{participant}/resume": (Verb.GRANT_RESUME, lambda site: site.suspended()),
    "POST /v1/access-requests": (Verb.ACCESS_ASK, lambda _: Ordered("/v1/access-requests", _WISH)),
    "POST /v1/access-requests/{id}/accept": (Verb.ACCESS_ACCEPT, _asked("accept")),
    "POST /v1/access-requests/{id}/refuse": (Verb.ACCESS_REFUSE, _asked("refuse", {"reason": "PKS sudah berakhir"})),
    "POST /v1/access-requests/{id}/withdraw": (Verb.ACCESS_WITHDRAW, _asked("withdraw")),
    "POST /v1/subscriptions": (Verb.SUBSCRIPTION_ADD, lambda _: Ordered("/v1/subscriptions", _NEW_SUBSCRIPTION)),
    "PATCH /v1/subscriptions/{id}": (Verb.SUBSCRIPTION_CHANGE, _steered("", _OTHER_SINK)),
    "DELETE /v1/subscriptions/{id}": (Verb.SUBSCRIPTION_DELETE, _steered("")),
    "POST /v1/subscriptions/{id}/pause": (Verb.SUBSCRIPTION_PAUSE, _steered("/pause")),
    "POST /v1/subscriptions/{id}/resume": (Verb.SUBSCRIPTION_RESUME, _steered("/resume")),
    "POST /v1/subscriptions/{id}/replay": (Verb.SUBSCRIPTION_REPLAY, _steered("/replay", {"from": "beginning"})),
    "POST /v1/subscriptions/{id}/seek": (Verb.SUBSCRIPTION_SEEK, _sought),
    "POST /v1/subscriptions/{id}/redrive": (Verb.SUBSCRIPTION_REDRIVE, _steered("/redrive")),
    "POST /v1/subscriptions/{id}/rotate-secret": (Verb.SUBSCRIPTION_ROTATE_SECRET, _steered("/rotate-secret")),
    "POST /v1/subscriptions/{id}/test": (Verb.SUBSCRIPTION_TEST, _steered("/test")),
    "POST /v1/deliveries/{id}/retry": (
        Verb.DELIVERY_RETRY,
        lambda site: Ordered(f"/v1/deliveries/{site.delivery()}/retry"),
    ),
    "POST /v1/deliveries/{id}/discard": (
        Verb.DELIVERY_DISCARD,
        lambda site: Ordered(f"/v1/deliveries/{site.delivery()}/discard"),
    ),
    "POST /v1/deliveries/{id}/answers": (
        Verb.DELIVERY_ANSWERS,
        lambda site: Ordered(f"/v1/deliveries/{site.answered()}/answers", {"reason": "gangguan semalam"}),
    ),
    "POST /v1/events/{position}/open": (Verb.EVENT_OPEN, lambda site: Ordered(site.event(), _WHY)),
    "POST /v1/disclosures/lookups": (
        Verb.DISCLOSURES_READ,
        lambda _: Ordered("/v1/disclosures/lookups", {"subject": a_nik(1)} | _WHY),
    ),
    "POST /v1/inquiries": (Verb.INQUIRY_OPEN, lambda _: Ordered("/v1/inquiries", {"subject": a_nik(1)} | _WHY)),
    "POST /v1/inquiries/{number}/close": (
        Verb.INQUIRY_CLOSE,
        lambda site: Ordered(f"{site.inquiry()}/close", {"note": "diserahkan di loket"}),
    ),
    "GET /v1/disclosures": (Verb.DISCLOSURES_READ, lambda _: Ordered("/v1/disclosures?participant=bapenda")),
    "GET /v1/actions": (Verb.ACTIONS_READ, lambda _: Ordered("/v1/actions?who=bapenda")),
}
"""Operations that change something, or show who changed it. Each with its verb and a request that does it."""

PROVEN_BY_SECRET: Final = "POST /oauth/revoke"
"""A client may revoke its own tokens with any scope, so that nobody lacks the authority for it."""
