"""ArcGIS's error codes: each is read as it is written, and classed once."""

from typing import Any

import pytest

from adapters.pupr.codes import classify_code, describe_code, read_code
from adapters.pupr.mapping import Kind, read_outcome
from bus.kit import Failure

DOCUMENTED = [*range(1000, 1024), 2000, 2001]


@pytest.mark.parametrize(
    ("code", "read"),
    [
        (1001, 1001),
        ("1001", 1001),
        (-2147217395, -2147217395),
        ("-2147217395", -2147217395),
        (None, None),
        ("", None),
        ("-", None),
        ("--1", None),
        ("9" * 5000, None),
        (True, None),
        ({}, None),
    ],
)
def test_a_code_is_read_with_its_sign(code: Any, read: int | None) -> None:
    assert read_code({"code": code}) == read


@pytest.mark.parametrize(
    ("code", "failure"),
    [
        (-2147217395, Failure.PERMANENT),  # a value of a wrong type
        (-2147220955, Failure.PERMANENT),  # an integer that is too large
        (-2147220646, Failure.PERMANENT),  # a record that is too long
        (-2147219885, Failure.PERMANENT),  # a field that does not exist
        (-2147220977, Failure.TRANSIENT),  # locked
        (-2147220984, Failure.TRANSIENT),  # network
        (-2147467259, Failure.TRANSIENT),  # unspecified
        (-2147220987, Failure.SINK_DOWN),  # no permission
        (-2147220655, Failure.SINK_DOWN),  # no table
        (-1, Failure.TRANSIENT),
        (7, Failure.TRANSIENT),
        (None, Failure.TRANSIENT),
    ],
)
def test_a_feature_that_the_geodatabase_refuses_is_not_tried_for_ever(code: int | None, failure: Failure) -> None:
    outcome = read_outcome(Kind.ADD, {"success": False, "error": {"code": code}})
    assert outcome.failure is failure
    assert describe_code(code) in outcome.detail


def test_each_documented_code_has_a_class_of_its_own() -> None:
    by_failure = {failure: [code for code in DOCUMENTED if classify_code(code) is failure] for failure in Failure}
    assert by_failure[Failure.TRANSIENT] == [1000, 1003, 1011, 1012, 1017, 1018, 1019, 2000]
    assert by_failure[Failure.SINK_DOWN] == [2001]
