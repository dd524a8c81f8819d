"""Whose name a contract's is: drafts win none and block none."""

import pytest

from bus.contracts.catalogue import Catalogue
from bus.contracts.document import Contract
from bus.contracts.errors import NotOwner, VersionTaken
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


def test_each_office_moves_its_own_drafts_alone(catalogue: Catalogue) -> None:
    catalogue.registrar.add_draft(a_squat(), SQUATTER)
    catalogue.registrar.add_draft(a_strict_contract(version="1.0.1"), OWNER)
    for version, other in (("1.0.0", APPROVER), ("1.0.1", ITS_APPROVER)):
        with pytest.raises(NotOwner):
            catalogue.registrar.activate(NAME, version, other, grants_seen=True)
        with pytest.raises(NotOwner):
            catalogue.registrar.propose(NAME, version, other)


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
