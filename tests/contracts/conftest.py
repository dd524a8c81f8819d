"""A catalogue on each database."""

import pytest

from bus.contracts.catalogue import Catalogue
from bus.storage import Storage
from tests.contracts.a_register import SECRET


@pytest.fixture
def catalogue(storage: Storage) -> Catalogue:
    """An empty one."""
    return Catalogue(storage, SECRET)
