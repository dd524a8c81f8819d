"""Proofs: pages with secrets or personal data open only for a member who proved the account a short while ago.

A page declares `Annotated[Visit, prove_again(*ROLES)]` in the place of `visiting`. A member whose proof is older comes to
`/konsol/buktikan`, and from there back to the page.
"""

import string
from datetime import timedelta
from typing import Annotated, Any, Final
from urllib.parse import quote

from fastapi import Depends, Request

from bus import clock
from bus.console.visit import Visit, visiting
from bus.problem import Refused
from bus.staff import Role

PROVE: Final = "/konsol/buktikan"
YOUNG: Final = timedelta(minutes=10)
"""The longest age of a proof that opens secrets and personal data."""
LONGEST: Final = 1_000
"""The most characters of an address that a proof leads back to."""


class ProofTooOld(Refused):
    """You proved your account too long ago for this page; prove it again.

    Attributes:
        wanted: the page of the console that the member comes back to.
    """

    status = 403
    slug = "proof-too-old"

    def __init__(self, wanted: str) -> None:
        super().__init__("Prove your account again.")
        self.wanted = wanted


def prove_again(*roles: Role, back: str = "/konsol") -> Any:
    """A FastAPI dependency: the visit of a member with one of these roles, who proved the account in the last ten minutes.

    Args:
        roles: the roles that may come here.
        back: where a form leads back to, such as `/konsol/peserta/{name}`, with parameters of the form's own path. A form
            is not sent again by itself: its fields may be personal data. A page leads back to itself.

    Raises:
        NotSignedIn, RoleMissing: see `visiting`.
        ProofTooOld: see the class. The console leads to the proof and back.
    """

    async def find(request: Request, visit: Annotated[Visit, visiting(*roles)]) -> Visit:
        if clock.now() - visit.session.proved_at > YOUNG:
            raise ProofTooOld(_find_wanted(request, back))
        return visit

    return Depends(find)


def write_proof_address(wanted: str) -> str:
    """The address of the page that asks for a proof, and then leads to `wanted`."""
    return f"{PROVE}?tujuan={quote(wanted, safe='/')}"


def _find_wanted(request: Request, back: str) -> str:
    if request.method == "GET":
        asked = quote(request.url.path) + (f"?{request.url.query}" if request.url.query else "")
        return asked if len(asked) <= LONGEST else quote(request.url.path)[:LONGEST]
    named = {name for _, name, _, _ in string.Formatter().parse(back) if name}
    return back.format(**{name: quote(str(request.path_params[name]), safe="") for name in named})
