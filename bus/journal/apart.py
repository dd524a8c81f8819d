"""Checking an event's data apart from the event loop, on the share of its sender."""

import asyncio

from bus import json
from bus.contracts.version import ContractVersion
from bus.heavy import Heavy
from bus.identity.tokens import Principal
from bus.journal.append import Submission
from bus.journal.checking import NOTHING_FOUND, Findings, check_data, findings_of
from bus.journal.gate import Agreed, Gate


async def checked_apart(
    gate: Gate, heavy: Heavy, agreed: Agreed, principal: Principal, *, brief: bool = False
) -> Submission:
    """The submission that an event becomes whose data are checked apart; what is raised see `Gate.admit` and `Heavy.run`."""
    findings = NOTHING_FOUND
    if agreed.has_data or not agreed.version.is_record:
        findings = await _found(heavy, agreed.version, agreed.body, principal, brief=brief)
    return gate.submission(agreed, principal, findings)


async def _found(heavy: Heavy, version: ContractVersion, body: bytes, principal: Principal, *, brief: bool) -> Findings:
    contract = version.contract
    about = json.dumps({"key": contract.key, "person": contract.person, "brief": brief})
    # In a thread: a schema may be a mebibyte, and the first to ask has it written.
    schema = await asyncio.to_thread(lambda: version.sent_text)
    return findings_of(await heavy.run(check_data, schema, body, about, who=principal.participant))
