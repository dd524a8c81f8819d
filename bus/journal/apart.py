"""Checking events' data apart from the event loop, on the share of their sender."""

import asyncio
from collections.abc import Sequence

from bus import json
from bus.contracts.version import ContractVersion
from bus.heavy import Heavy
from bus.identity.tokens import Principal
from bus.journal.append import Submission
from bus.journal.checking import NOTHING_FOUND, Findings, check_data, findings_of
from bus.journal.gate import Agreed, Gate


async def checked_apart(gate: Gate, heavy: Heavy, agreed: Agreed, principal: Principal) -> Submission:
    """The submission that an event becomes whose data are checked apart; what is raised see `Gate.admit` and `Heavy.run`."""
    (findings,) = await found_apart(heavy, agreed.version, [agreed], principal)
    return gate.submission(agreed, principal, findings)


async def found_apart(
    heavy: Heavy, version: ContractVersion, events: Sequence[Agreed], principal: Principal, enough: int = 1
) -> list[Findings]:
    """The findings in the data of events of one version.

    Args:
        enough: after so many errors one is found in each further event.
    """
    contract = version.contract
    about = json.dumps({"key": contract.key, "person": contract.person, "enough": enough})
    # In a thread: a schema may be a mebibyte, and the first to ask has it written.
    schema = await asyncio.to_thread(lambda: version.sent_text)
    bodies = b"\n".join([one.body for one in events])
    found = findings_of(await heavy.run(check_data, schema, bodies, about, who=principal.participant))
    # A record's deletion has no data that could be wrong.
    deletions = [version.is_record and not one.has_data for one in events]
    return [NOTHING_FOUND if gone else one for one, gone in zip(found, deletions, strict=True)]
