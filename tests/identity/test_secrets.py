"""Client secrets: what a copy of their hashes is worth."""

import pytest
from argon2 import PasswordHasher, Type, extract_parameters

from bus.identity import secrets
from bus.identity.secrets import SecretHasher


def test_a_guess_takes_the_memory_and_the_passes_of_rfc_9106(monkeypatch: pytest.MonkeyPatch):
    # What the bus uses, which the other tests replace.
    monkeypatch.setattr(secrets, "PasswordHasher", PasswordHasher)
    hasher = SecretHasher()
    kept = hasher.hash("rahasia")
    found = extract_parameters(kept)
    # Section 4, the second recommended option.
    assert (found.type, found.memory_cost, found.time_cost, found.parallelism) == (Type.ID, 64 * 1024, 3, 4)
    assert hasher.fits("rahasia", kept)
    assert not hasher.fits("Rahasia", kept)
