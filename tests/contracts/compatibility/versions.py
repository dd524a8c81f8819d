"""Contract versions that differ in one thing."""

from typing import Any

from bus.contracts.compatibility import Finding, Report, compare_versions
from bus.contracts.document import Contract
from tests.builders import a_strict_contract


def an_event_contract(schema: Any, **changes: Any) -> Contract:
    """A contract for data that are about nobody, sent to nobody."""
    defaults: dict[str, Any] = {
        "kind": "event",
        "classification": "public",
        "key": None,
        "consumers": None,
        "examples": None,
    }
    return a_strict_contract(**{**defaults, "schema": schema, **changes})


def a_query_contract(request: Any, answer: Any, **changes: Any) -> Contract:
    return an_event_contract(None, kind="query", request=request, answer=answer, **changes)


def reported(old: Any, new: Any, compatibility: str = "backward", **options: Any) -> Report:
    """The report for a change of the schema alone, with a version step that is large enough."""
    return compare_versions(
        an_event_contract(new, version="2.0.0", compatibility=compatibility), [an_event_contract(old)], **options
    )


def the_only(report: Report) -> Finding:
    (finding,) = report.findings
    return finding
