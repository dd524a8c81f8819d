"""Whose name a contract's is: drafts win none and block none."""

import pytest

from bus.contracts.catalogue import Catalogue
from bus.contracts.document import Contract
from bus.contracts.errors import DomainInvalid, DomainNotYours, NotOperator, NotOwner, VersionTaken
from bus.contracts.lifecycle import State
from tests.an_actor import an_actor
from tests.builders import a_strict_contract
from tests.contracts.a_register import APPROVER, NAME, OPERATOR, OWNER, put_in_force

SQUATTER = an_actor("bapenda", client_id="client_penulis")
ITS_APPROVER = an_actor("bapenda", client_id="client_atasan")


def a_squat(version: str = "1.0.0") -> Contract:
    """A document of the same name that another office wrote."""
    return a_strict_contract(version=version, owner="bapenda", title="Bukan punya Bapenda")


def test_a_draft_of_another_office_blocks_nobody(catalogue: Catalogue) -> None:
    catalogue.registrar.add_draft(a_squat(), SQUATTER)
    catalogue.registrar.add_draft(a_strict_contract(version="1.0.1"), OWNER)
    assert catalogue.registrar.activate(NAME, "1.0.1", APPROVER, grants_seen=True).state is State.ACTIVE


def test_a_version_that_another_office_drafted_is_told_with_the_way_out(catalogue: Catalogue) -> None:
    catalogue.registrar.add_draft(a_squat(), SQUATTER)
    with pytest.raises(VersionTaken, match="draft of bapenda; register another version") as refused:
        catalogue.registrar.add_draft(a_strict_contract(), OWNER)
    assert refused.value.errors[0].pointer == "/version"
    assert catalogue.registrar.read_version(NAME, "1.0.0").contract.owner == "bapenda"


@pytest.mark.parametrize("owner", [None, "bapenda"])
def test_nobody_but_a_domain_s_owner_proposes_and_activates_in_it(catalogue: Catalogue, owner: str | None) -> None:
    catalogue.registrar.set_domain_owner("kependudukan", owner, OPERATOR)
    catalogue.registrar.add_draft(a_strict_contract(), OWNER)
    with pytest.raises(DomainNotYours, match=owner or "has no owner"):
        catalogue.registrar.propose(NAME, "1.0.0", OWNER)
    with pytest.raises(DomainNotYours):
        catalogue.registrar.activate(NAME, "1.0.0", APPROVER, grants_seen=True)
    assert catalogue.registrar.read_version(NAME, "1.0.0").state is State.DRAFT


def test_a_domain_s_owner_puts_another_office_s_draft_in_force_and_does_not_get_its_name(catalogue: Catalogue) -> None:
    catalogue.registrar.add_draft(a_squat(), SQUATTER)
    assert catalogue.registrar.propose(NAME, "1.0.0", OWNER).state is State.PROPOSED
    assert catalogue.registrar.activate(NAME, "1.0.0", APPROVER, grants_seen=True).contract.owner == "bapenda"
    with pytest.raises(NotOwner, match="belongs to bapenda"):
        catalogue.registrar.add_draft(a_strict_contract(version="1.1.0"), OWNER)


def test_a_domain_changes_hands_between_the_judgement_and_the_activation_and_is_refused(catalogue: Catalogue) -> None:
    catalogue.registrar.add_draft(a_strict_contract(), OWNER)
    candidate = catalogue.registrar.read_candidate(NAME, "1.0.0", APPROVER, grants_seen=True)
    catalogue.registrar.set_domain_owner("kependudukan", "bapenda", OPERATOR)
    with pytest.raises(DomainNotYours):
        catalogue.registrar.put_in_force(candidate, APPROVER, accepted_undecided=False)


def test_an_office_gives_itself_no_domain(catalogue: Catalogue) -> None:
    with pytest.raises(NotOperator):
        catalogue.registrar.set_domain_owner("kesehatan", "bapenda", SQUATTER)
    assert [one.name for one in catalogue.registrar.read_domains()] == ["kependudukan"]


@pytest.mark.parametrize("name", ["", "Kesehatan", "kesehatan.kunjungan", "kesehatan\n", "9", "a" * 99])
def test_what_no_contract_can_be_in_is_no_domain(catalogue: Catalogue, name: str) -> None:
    with pytest.raises(DomainInvalid):
        catalogue.registrar.set_domain_owner(name, "bapenda", OPERATOR)


def test_the_version_that_is_activated_first_wins_the_name(catalogue: Catalogue) -> None:
    catalogue.registrar.add_draft(a_squat(), SQUATTER)
    put_in_force(catalogue, "1.0.1")
    for attempt in (
        lambda: catalogue.registrar.activate(NAME, "1.0.0", ITS_APPROVER, grants_seen=True),
        lambda: catalogue.registrar.propose(NAME, "1.0.0", SQUATTER),
        lambda: catalogue.registrar.add_draft(a_squat(), SQUATTER),
        lambda: catalogue.registrar.add_draft(a_squat("3.0.0"), SQUATTER),
        lambda: catalogue.registrar.retire(NAME, "1.0.1", ITS_APPROVER),
    ):
        with pytest.raises(NotOwner, match="belongs to dukcapil-lamongan"):
            attempt()


def test_the_winner_does_not_give_the_name_away_with_a_draft_that_was_left(catalogue: Catalogue) -> None:
    catalogue.registrar.add_draft(a_squat("2.0.0"), SQUATTER)
    put_in_force(catalogue)
    with pytest.raises(NotOwner, match="is a draft of bapenda"):
        catalogue.registrar.activate(NAME, "2.0.0", APPROVER, grants_seen=True)


def test_the_winner_takes_the_versions_that_others_drafted(catalogue: Catalogue) -> None:
    catalogue.registrar.add_draft(a_squat("2.0.0"), SQUATTER)
    put_in_force(catalogue)
    taken = catalogue.registrar.add_draft(a_strict_contract(version="2.0.0"), OWNER)
    assert (taken.contract.owner, taken.created_by) == ("dukcapil-lamongan", "dukcapil-lamongan")
    assert catalogue.registrar.measure_holding("bapenda", a_strict_contract(contract="uji.lain")).drafts == 0
    assert catalogue.registrar.activate(NAME, "2.0.0", APPROVER, grants_seen=True).state is State.ACTIVE


def test_a_name_stays_with_its_owner_when_every_version_is_retired(catalogue: Catalogue) -> None:
    put_in_force(catalogue)
    catalogue.registrar.retire(NAME, "1.0.0", OWNER)
    with pytest.raises(NotOwner):
        catalogue.registrar.add_draft(a_squat("2.0.0"), SQUATTER)


def test_the_operator_decides_whose_a_disputed_version_is(catalogue: Catalogue) -> None:
    catalogue.registrar.add_draft(a_squat(), SQUATTER)
    put_in_force(catalogue)
    assert catalogue.registrar.read_version(NAME, "1.0.0").contract.owner == "dukcapil-lamongan"


def test_the_operator_gives_a_name_to_another_owner(catalogue: Catalogue) -> None:
    """By the order of activation: the new owner's draft is older than the version in force."""
    catalogue.registrar.add_draft(a_squat("2.0.0"), SQUATTER)
    put_in_force(catalogue)
    catalogue.registrar.activate(NAME, "2.0.0", OPERATOR, grants_seen=True)
    with pytest.raises(NotOwner, match="belongs to bapenda"):
        catalogue.registrar.add_draft(a_strict_contract(version="3.0.0"), OWNER)
    assert catalogue.registrar.retire(NAME, "1.0.0", ITS_APPROVER).state is State.RETIRED
