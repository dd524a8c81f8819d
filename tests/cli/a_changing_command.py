"""Each command that changes something: what has to be there before, and the entries that it leaves in the action log."""

from collections.abc import Callable
from pathlib import Path

from bus import json
from bus.actions.action import Verb
from bus.cli.workspace import open_workspace
from bus.contracts.document import parse_contract
from bus.delivery import Subscription, Subscriptions, Webhook
from bus.delivery.ledger import Ledger, NewDelivery
from tests.a_failure import a_failed_attempt
from tests.an_actor import OPERATOR, an_actor
from tests.an_agency import AGENCY, hold_some_deletions
from tests.builders import a_new_subscription, a_strict_document
from tests.cli.a_command import Commands
from tests.declared.a_declared_agency import a_body

NAME = "kependudukan.uji"
Prepare = Callable[[Commands], list[str | Path]]


def add_participant(bus: Commands) -> None:
    bus("participant", "add", "bapenda", "--kind", "app")


def _client(bus: Commands) -> list[str | Path]:
    add_participant(bus)
    made = json.loads(bus("client", "add", "bapenda", "--scope", "events.read", "--json").out)
    return ["client", "revoke", "bapenda", made["client_id"]]


def _drafted(step: str, *options: str) -> Prepare:
    def prepare(bus: Commands) -> list[str | Path]:
        with bus.catalogue() as catalogue:
            catalogue.registrar.add_draft(parse_contract(a_strict_document()), an_actor("dukcapil-lamongan"))
        return ["contract", step, NAME, "1.0.0", *options]

    return prepare


def _in_force(step: str) -> Prepare:
    def prepare(bus: Commands) -> list[str | Path]:
        assert bus("contract", "apply", "--grants-seen", bus.written()).code == 0
        return ["contract", step, NAME, "1.0.0"]

    return prepare


def _new_client(bus: Commands) -> list[str | Path]:
    add_participant(bus)
    return ["client", "add", "bapenda", "--scope", "events.read"]


def _changed_client(bus: Commands) -> list[str | Path]:
    return ["client", "update", *_client(bus)[2:], "--scope", "queries.call"]


def _limits(bus: Commands) -> list[str | Path]:
    add_participant(bus)
    return ["participant", "limits", "bapenda", "--set", "drafts=7"]


def _contact(bus: Commands) -> list[str | Path]:
    add_participant(bus)
    return ["participant", "set", "bapenda", "--contact", "tik@bapenda.example"]


def _roster(bus: Commands) -> list[str | Path]:
    path = bus.folder / "participants.yaml"
    path.write_text("participants:\n  - {name: dinkes, kind: app}\n")
    return ["participant", "apply", path]


def _holding(bus: Commands) -> list[str | Path]:
    with open_workspace(bus.folder / "data") as workspace:
        hold_some_deletions(workspace.storage)
    return ["agency", "release", AGENCY]


def _agency_paused(bus: Commands) -> list[str | Path]:
    assert bus("agency", "pause", "kominfo", "katalog", "--reason", "pemeliharaan").code == 0
    return ["agency", "resume", "kominfo", "katalog"]


def _paused(bus: Commands) -> list[str | Path]:
    with open_workspace(bus.folder / "data") as workspace:
        subscriptions = Subscriptions(workspace.storage, workspace.keys)
        made = subscriptions.add(a_new_subscription(sink=Webhook("https://bapenda.example/hook")), OPERATOR)
        subscriptions.disable(made, OPERATOR)
    return ["subscription", "resume", made.id]


def _granted(bus: Commands) -> list[str | Path]:
    assert bus("contract", "apply", "--grants-seen", bus.written()).code == 0
    return ["grant", "suspend", NAME, "bapenda", "--reason", "sedang diperiksa"]


def _domain(step: str, *options: str) -> Prepare:
    def prepare(bus: Commands) -> list[str | Path]:
        add_participant(bus)
        return ["domain", step, "kesehatan", *options]

    return prepare


def _owned(bus: Commands) -> list[str | Path]:
    assert bus(*_domain("set", "--owner", "bapenda")(bus)).code == 0
    return ["domain", "unset", "kesehatan"]


def _suspended(bus: Commands) -> list[str | Path]:
    assert bus(*_granted(bus)).code == 0
    return ["grant", "resume", NAME, "bapenda"]


def _subscribed(bus: Commands) -> Subscription:
    with open_workspace(bus.folder / "data") as workspace:
        subscriptions = Subscriptions(workspace.storage, workspace.keys)
        return subscriptions.add(a_new_subscription(sink=Webhook("https://bapenda.example/hook")), OPERATOR)


def _redriven(bus: Commands) -> list[str | Path]:
    return ["subscription", "redrive", _subscribed(bus).id]


def _answered(bus: Commands) -> list[str | Path]:
    made = _subscribed(bus)
    with open_workspace(bus.folder / "data") as workspace, workspace.storage.write() as transaction:
        ledger = Ledger(workspace.storage, workspace.keys.encrypt)
        ledger.add(transaction, [NewDelivery(made.number, 1, None)], 0, again=False)
        ledger.record(transaction, [a_failed_attempt(made.number, 1)])
    return ["answers", f"{made.id}.1", "--reason", "gangguan semalam"]


def _written_adapter(*step: str, version: str = "1.0.0") -> Prepare:
    def prepare(bus: Commands) -> list[str | Path]:
        servers = [{"name": "uji", "url": "https://8.8.8.8/api"}]
        path = bus.folder / f"badan-{version}.json"
        path.write_bytes(json.dumps(a_body(version=version, servers=servers, description="merah \x1b[31m")))
        return ["adapter", *step, path]

    return prepare


def _staffed(step: str) -> Prepare:
    def prepare(bus: Commands) -> list[str | Path]:
        assert bus("staff", "add", "siti", "--peran", "operator").code == 0
        return ["staff", step, "siti"]

    return prepare


def _moved_adapter(step: str) -> Prepare:
    def prepare(bus: Commands) -> list[str | Path]:
        assert bus(*_written_adapter("apply")(bus)).code == 0
        return ["adapter", step, "badan", "1.0.0"]

    return prepare


def _rolled_back(bus: Commands) -> list[str | Path]:
    back = _moved_adapter("activate")(bus)
    assert bus(*_written_adapter("apply", version="1.1.0")(bus)).code == 0
    listed = bus("adapter", "list").out
    assert [line.split("\t")[:3] for line in listed.splitlines()] == [
        ["badan", "1.0.0", "deprecated"],
        ["badan", "1.1.0", "active"],
    ]
    differs, same = (bus("adapter", "diff", bus.folder / f"badan-{version}.json") for version in ("1.0.0", "1.1.0"))
    assert (differs.code, same.code, same.out) == (1, 0, "no difference\n")
    assert {'-version: "1.1.0"', '+version: "1.0.0"'} <= set(differs.out.splitlines())
    # Control characters of a document move no cursor.
    assert "\x1b" not in listed + bus("adapter", "show", "badan").out
    return back


CHANGING: dict[str, tuple[Prepare, list[Verb]]] = {
    "participant add": (lambda _: ["participant", "add", "dinkes", "--kind", "app"], [Verb.PARTICIPANT_ADD]),
    "participant set": (_contact, [Verb.PARTICIPANT_UPDATE]),
    "participant apply": (_roster, [Verb.PARTICIPANT_ADD]),
    "participant limits": (_limits, [Verb.LIMITS_SET]),
    "agency release": (_holding, [Verb.AGENCY_RELEASE]),
    "agency pause": (lambda _: ["agency", "pause", "kominfo", "--reason", "pemeliharaan"], [Verb.AGENCY_PAUSE]),
    "agency resume": (_agency_paused, [Verb.AGENCY_RESUME]),
    "subscription resume": (_paused, [Verb.SUBSCRIPTION_RESUME]),
    "subscription redrive": (_redriven, [Verb.SUBSCRIPTION_REDRIVE]),
    "answers": (_answered, [Verb.DELIVERY_ANSWERS]),
    "client add": (_new_client, [Verb.CLIENT_ADD]),
    "client update": (_changed_client, [Verb.CLIENT_UPDATE]),
    "client revoke": (_client, [Verb.CLIENT_REVOKE]),
    "contract apply": (
        lambda bus: ["contract", "apply", "--grants-seen", bus.written()],
        [Verb.CONTRACT_DRAFT, Verb.CONTRACT_ACTIVATE],
    ),
    "contract propose": (_drafted("propose"), [Verb.CONTRACT_PROPOSE]),
    "contract activate": (_drafted("activate", "--grants-seen"), [Verb.CONTRACT_ACTIVATE]),
    "domain set": (_domain("set", "--owner", "bapenda"), [Verb.DOMAIN_SET]),
    "domain unset": (_owned, [Verb.DOMAIN_SET]),
    "contract deprecate": (_in_force("deprecate"), [Verb.CONTRACT_DEPRECATE]),
    "contract retire": (_in_force("retire"), [Verb.CONTRACT_RETIRE]),
    "grant suspend": (_granted, [Verb.GRANT_SUSPEND]),
    "grant resume": (_suspended, [Verb.GRANT_RESUME]),
    "adapter apply": (_written_adapter("apply"), [Verb.ADAPTER_DRAFT, Verb.ADAPTER_ACTIVATE]),
    "adapter activate": (_rolled_back, [Verb.ADAPTER_DEPRECATE, Verb.ADAPTER_ACTIVATE]),
    "adapter deprecate": (_moved_adapter("deprecate"), [Verb.ADAPTER_DEPRECATE]),
    "adapter retire": (_moved_adapter("retire"), [Verb.ADAPTER_RETIRE]),
    "console": (lambda _: ["console"], [Verb.STAFF_LINK]),
    "staff add": (lambda _: ["staff", "add", "siti", "--peran", "operator"], [Verb.STAFF_ADD, Verb.STAFF_LINK]),
    "staff link": (_staffed("link"), [Verb.STAFF_LINK]),
    "staff disable": (_staffed("disable"), [Verb.STAFF_DISABLE]),
    "keys rotate": (lambda _: ["keys", "rotate"], [Verb.KEYS_ROTATE]),
    "restored": (lambda _: ["restored"], [Verb.BUS_RESTORE]),
    "actions": (lambda _: ["actions"], [Verb.ACTIONS_READ]),
    "disclosures": (lambda _: ["disclosures"], [Verb.DISCLOSURES_READ]),
}
"""Commands that leave entries, each with how to run it and which entries; those of `OF_THEIR_OWN` have tests elsewhere."""

OF_THEIR_OWN = {"init", "dev", "serve", "backup", "restore"}

NOT_CHANGING = {
    "simulate": "runs an agency's stand-in, which is no part of a bus",
    "pull": "asks a bus over HTTP, and writes a copy that is no part of it",
    "listen": "asks a bus over HTTP, which notes the subscription",
    "doctor": "reads",
    "agency list": "reads",
    "subscription list": "reads",
    "status": "reads",
    "notify test": "sends a message to people, and changes nothing",
    "notify list": "reads",
    "deliveries": "reads",
    "events": "reads",
    "refusals": "reads",
    "participant list": "reads",
    "client list": "reads",
    "staff list": "reads",
    "grant list": "reads",
    "domain list": "reads",
    "contract new": "writes a file",
    "adapter new": "writes files",
    "adapter lint": "reads",
    "adapter diff": "reads",
    "adapter list": "reads",
    "adapter show": "reads",
    "adapter try": "asks an agency, and no bus",
    "adapter simulate": "runs an agency's stand-in, which is no part of a bus",
    "contract lint": "reads",
    "contract diff": "reads",
    "contract list": "reads",
    "contract show": "reads",
    "contract docs": "writes files",
    "contract codegen": "writes files",
    "contract export": "writes a file",
    "contract import": "writes a file",
}
