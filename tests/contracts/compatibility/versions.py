"""Contract versions that differ in one thing."""

from typing import Any

from bus.contracts.compatibility import Finding, Report, compare_versions
from bus.contracts.document import Contract
from tests.contracts.documents import a_contract


def an_event(schema: Any, **changes: Any) -> Contract:
    """A contract for data that are about nobody, sent to nobody."""
    defaults: dict[str, Any] = {
        "kind": "event",
        "classification": "public",
        "key": None,
        "consumers": None,
        "examples": None,
    }
    return a_contract(**{**defaults, "schema": schema, **changes})


def a_query(request: Any, answer: Any, **changes: Any) -> Contract:
    return an_event(None, kind="query", request=request, answer=answer, **changes)


def reported(old: Any, new: Any, compatibility: str = "backward", **options: Any) -> Report:
    """The report for a change of the schema alone, with a version step that is large enough."""
    return compare_versions(an_event(new, version="2.0.0", compatibility=compatibility), [an_event(old)], **options)


def the_only(report: Report) -> Finding:
    (finding,) = report.findings
    return finding
