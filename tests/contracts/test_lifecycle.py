"""The table of a version's life."""

import itertools

import pytest

from bus.contracts.errors import TransitionRefused
from bus.contracts.lifecycle import TRANSITIONS, State, check_step


@pytest.mark.parametrize(("present", "wanted"), list(itertools.product(State, State)))
def test_a_step_outside_the_table_is_refused(present: State, wanted: State) -> None:
    if (present, wanted) in TRANSITIONS:
        check_step(present, wanted)
    else:
        with pytest.raises(TransitionRefused):
            check_step(present, wanted)


def test_what_is_in_force_never_becomes_free_to_change_again() -> None:
    free = {State.DRAFT, State.PROPOSED}
    assert not [step for step in TRANSITIONS if step[0] not in free and step[1] in free]


def test_a_retired_version_stays_retired() -> None:
    assert State.RETIRED not in {present for present, _ in TRANSITIONS}
