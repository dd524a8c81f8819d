"""A catalogue on each database."""

import pytest

from bus.contracts.catalogue import Catalogue
from bus.storage import Storage
from tests.contracts.a_register import OPERATOR, OWNER, SECRET


@pytest.fixture
def catalogue(storage: Storage) -> Catalogue:
    """An empty one, on a bus where the tests' owner has its domain."""
    empty = Catalogue(storage, SECRET)
    empty.registrar.set_domain_owner("kependudukan", OWNER.participant, OPERATOR)
    return empty
