"""What the tests of the register share: who acts, and a contract put in force."""

from typing import Any

from bus.contracts.catalogue import Catalogue
from tests.an_actor import OPERATOR as OPERATOR
from tests.an_actor import an_actor
from tests.builders import a_strict_contract

NAME = "kependudukan.uji"
OWNER = an_actor("dukcapil-lamongan", client_id="client_pengembang")
APPROVER = an_actor("dukcapil-lamongan", client_id="client_kepala")
SECRET = b"a secret of this instance, 32 B."


def put_in_force(catalogue: Catalogue, version: str = "1.0.0", **changes: Any) -> int:
    """The number of a version that is active now."""
    catalogue.registrar.apply([a_strict_contract(version=version, **changes)], OPERATOR)
    return catalogue.find_version(changes.get("contract", NAME), version).id
