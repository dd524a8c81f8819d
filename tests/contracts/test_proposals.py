"""Proposals: whose word a version waits for, and grants that end with nobody's word."""

from datetime import date

from bus.contracts import Kind, Proposal, find_ending_grants
from bus.contracts.binding import Binding
from bus.contracts.catalogue import Catalogue
from bus.contracts.document import AdapterUse, Classification
from bus.storage import Storage
from tests.an_actor import an_actor
from tests.builders import a_grant, a_strict_contract
from tests.contracts.a_register import APPROVER, NAME, OPERATOR, OWNER, SECRET

SERVED = [{"adapter": "badan", "operation": "terima"}]
TODAY = date(2026, 11, 29)


def bind(use: AdapterUse) -> Binding:
    """The adapter of one agency, which its own participant decides on."""
    return Binding("badan", frozenset({Kind.RECORD}), Classification.PERSONAL)


def waiting(proposals: list[Proposal]) -> list[tuple[str, str | None, tuple[str, ...]]]:
    return [(one.version, one.approver, one.adapter_owners) for one in proposals]


def test_a_proposal_waits_for_the_domains_owner_and_for_the_adapters(storage: Storage) -> None:
    registrar = Catalogue(storage, SECRET, bind).registrar
    registrar.set_domain_owner("kependudukan", OWNER.participant, OPERATOR)
    registrar.add_draft(a_strict_contract(adapters=SERVED), OWNER)
    assert registrar.proposals.read() == []
    registrar.propose(NAME, "1.0.0", OWNER)
    (proposal,) = registrar.proposals.read()
    assert (proposal.contract, proposal.by) == (NAME, OWNER.participant)
    assert waiting([proposal]) == [("1.0.0", OWNER.participant, ("badan",))]
    registrar.consent(NAME, "1.0.0", an_actor("badan"))
    assert waiting(registrar.proposals.read()) == [("1.0.0", OWNER.participant, ())]
    assert registrar.proposals.read()[0].since == proposal.since
    registrar.set_domain_owner("kependudukan", None, OPERATOR)
    assert waiting(registrar.proposals.read()) == [("1.0.0", None, ())]
    registrar.set_domain_owner("kependudukan", OWNER.participant, OPERATOR)
    registrar.activate(NAME, "1.0.0", APPROVER, grants_seen=True)
    assert registrar.proposals.read() == []


def test_an_adapter_that_is_in_use_already_is_not_asked_again(storage: Storage) -> None:
    registrar = Catalogue(storage, SECRET, bind).registrar
    registrar.set_domain_owner("kependudukan", OWNER.participant, OPERATOR)
    registrar.apply([a_strict_contract(adapters=SERVED)], OPERATOR)
    registrar.add_draft(a_strict_contract(adapters=SERVED, version="1.1.0"), OWNER)
    registrar.propose(NAME, "1.1.0", OWNER)
    assert waiting(registrar.proposals.read()) == [("1.1.0", OWNER.participant, ())]


def test_of_several_versions_in_force_the_grant_that_ends_last_counts() -> None:
    def ends(*untils: str) -> list[str]:
        versions = [a_strict_contract(consumers=[a_grant("bapenda", until=until)]) for until in untils]
        return [str(one.until) for one in find_ending_grants([(NAME, versions)], TODAY, 30)]

    assert ends("2026-12-01") == ["2026-12-01"]
    assert ends("2026-12-29") == ["2026-12-29"]
    assert ends("2026-12-30") == []
    assert ends("2026-10-30") == ["2026-10-30"]
    assert ends("2026-12-01", "2026-12-20") == ["2026-12-20"]
    assert ends("2026-12-20", "2026-12-01") == ["2026-12-20"]
    assert ends("2026-12-01", "2099-12-31") == []
