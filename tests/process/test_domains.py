"""What the operator is told at the start about domains without an owner."""

import pytest
from structlog.testing import capture_logs

from bus.process.domains import tell_of_unowned_domains
from tests.a_bus import Bus
from tests.an_actor import OPERATOR
from tests.builders import a_document

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def test_domains_that_nobody_owns_are_told_with_what_to_do(bus: Bus) -> None:
    bus.apply(a_document())
    bus.rooms.catalogue.registrar.set_domain_owner("kependudukan", None, OPERATOR)
    with capture_logs() as lines:
        tell_of_unowned_domains(bus.rooms.catalogue)
    (line,) = lines
    assert line["domains"] == ["kependudukan"]
    assert "bus domain set" in line["detail"]


async def test_nothing_is_told_where_every_domain_has_an_owner(bus: Bus) -> None:
    bus.apply(a_document())
    with capture_logs() as lines:
        tell_of_unowned_domains(bus.rooms.catalogue)
    assert lines == []
