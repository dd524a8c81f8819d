"""Whose name a contract's is: drafts win none and block none."""

import pytest

from bus.contracts.catalogue import Catalogue
from bus.contracts.document import Contract
from bus.contracts.errors import NotOwner, VersionTaken
from bus.contracts.lifecycle import State
from tests.an_actor import an_actor
from tests.contracts.a_register import APPROVER, NAME, OPERATOR, OWNER, put_in_force
from tests.contracts.documents import a_contract

SQUATTER = an_actor("bapenda", client_id="client_penulis")
ITS_APPROVER = an_actor("bapenda", client_id="client_atasan")


def a_squat(version: str = "1.0.0") -> Contract:
    """A document of the same name that another office wrote."""
    return a_contract(version=version, owner="bapenda", title="Bukan punya Bapenda")


def test_a_draft_of_another_office_blocks_nobody(catalogue: Catalogue) -> None:
    catalogue.add_draft(a_squat(), SQUATTER)
    catalogue.add_draft(a_contract(version="1.0.1"), OWNER)
    assert catalogue.activate(NAME, "1.0.1", APPROVER).state is State.ACTIVE


def test_a_version_that_another_office_drafted_is_told_with_the_way_out(catalogue: Catalogue) -> None:
    catalogue.add_draft(a_squat(), SQUATTER)
    with pytest.raises(VersionTaken, match="draft of bapenda; register another version") as refused:
        catalogue.add_draft(a_contract(), OWNER)
    assert refused.value.errors[0].pointer == "/version"
    assert catalogue.version(NAME, "1.0.0").contract.owner == "bapenda"


def test_each_office_moves_its_own_drafts_alone(catalogue: Catalogue) -> None:
    catalogue.add_draft(a_squat(), SQUATTER)
    catalogue.add_draft(a_contract(version="1.0.1"), OWNER)
    for version, other in (("1.0.0", APPROVER), ("1.0.1", ITS_APPROVER)):
        with pytest.raises(NotOwner):
            catalogue.activate(NAME, version, other)
        with pytest.raises(NotOwner):
            catalogue.propose(NAME, version, other)


def test_the_version_that_is_activated_first_wins_the_name(catalogue: Catalogue) -> None:
    catalogue.add_draft(a_squat(), SQUATTER)
    put_in_force(catalogue, "1.0.1")
    for attempt in (
        lambda: catalogue.activate(NAME, "1.0.0", ITS_APPROVER),
        lambda: catalogue.propose(NAME, "1.0.0", SQUATTER),
        lambda: catalogue.add_draft(a_squat(), SQUATTER),
        lambda: catalogue.add_draft(a_squat("3.0.0"), SQUATTER),
        lambda: catalogue.retire(NAME, "1.0.1", ITS_APPROVER),
    ):
        with pytest.raises(NotOwner, match="belongs to dukcapil-lamongan"):
            attempt()


def test_the_winner_does_not_give_the_name_away_with_a_draft_that_was_left(catalogue: Catalogue) -> None:
    catalogue.add_draft(a_squat("2.0.0"), SQUATTER)
    put_in_force(catalogue)
    with pytest.raises(NotOwner, match="is a draft of bapenda"):
        catalogue.activate(NAME, "2.0.0", APPROVER)


def test_the_winner_takes_the_versions_that_others_drafted(catalogue: Catalogue) -> None:
    catalogue.add_draft(a_squat("2.0.0"), SQUATTER)
    put_in_force(catalogue)
    taken = catalogue.add_draft(a_contract(version="2.0.0"), OWNER)
    assert (taken.contract.owner, taken.created_by) == ("dukcapil-lamongan", "dukcapil-lamongan")
    assert catalogue.holding("bapenda", a_contract(contract="uji.lain")).drafts == 0
    assert catalogue.activate(NAME, "2.0.0", APPROVER).state is State.ACTIVE


def test_a_name_stays_with_its_owner_when_every_version_is_retired(catalogue: Catalogue) -> None:
    put_in_force(catalogue)
    catalogue.retire(NAME, "1.0.0", OWNER)
    with pytest.raises(NotOwner):
        catalogue.add_draft(a_squat("2.0.0"), SQUATTER)


def test_the_operator_decides_whose_a_disputed_version_is(catalogue: Catalogue) -> None:
    catalogue.add_draft(a_squat(), SQUATTER)
    put_in_force(catalogue)
    assert catalogue.version(NAME, "1.0.0").contract.owner == "dukcapil-lamongan"


def test_the_operator_gives_a_name_to_another_owner(catalogue: Catalogue) -> None:
    """By the order of activation: the new owner's draft is older than the version in force."""
    catalogue.add_draft(a_squat("2.0.0"), SQUATTER)
    put_in_force(catalogue)
    catalogue.activate(NAME, "2.0.0", OPERATOR)
    with pytest.raises(NotOwner, match="belongs to bapenda"):
        catalogue.add_draft(a_contract(version="3.0.0"), OWNER)
    assert catalogue.retire(NAME, "1.0.0", ITS_APPROVER).state is State.RETIRED
