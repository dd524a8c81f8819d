"""Expressions: no digit is lost, nothing stays behind, and no message holds data."""

from decimal import Decimal
from typing import Any

import pytest

from bus.expressions.expression import MISSING, ExpressionFailed, compile_expression
from bus.expressions.reading import is_usable, read_json


def value_of(text: str, value: Any = MISSING, **variables: Any) -> Any:
    return compile_expression(text).evaluate(value, variables, 5.0)


def failure_of(text: str, value: Any = MISSING) -> ExpressionFailed:
    with pytest.raises(ExpressionFailed) as failed:
        value_of(text, value)
    return failed.value


def test_null_is_a_value_and_missing_is_none():
    assert value_of("a", {"a": None}) is None
    assert value_of("b", {"a": None}) is MISSING
    assert value_of('{"a": a, "b": b}', {"a": None}) == {"a": None}


@pytest.mark.parametrize(
    "text", ["nik", "nik + 0", '$number("9124010101900001")', "9124010101900001", "$number($string(nik + 0))"]
)
def test_no_expression_gives_a_number_whose_digits_the_library_may_have_changed(text: str):
    assert failure_of(text, {"nik": 9124010101900001}).code == "digits"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12", 12),
        (" 72.50 ", 72.5),
        ("-0.5", -0.5),
        ("1e3", 1000),
        ("296187500", 296187500),
        ("000000000000000000007", 7),
    ],
)
def test_a_text_becomes_its_number(text: str, number: float):
    assert value_of("$number(a)", {"a": text}) == number


@pytest.mark.parametrize("text", ["", "-", ".", "0x1F", "Infinity", "nan", "7,5", "1" * 100])
def test_a_text_that_is_no_decimal_number_is_none(text: str):
    assert failure_of("$number(a)", {"a": text}).code == "value"


def test_an_evaluation_leaves_no_variable_for_the_next():
    assert value_of("$rahasia := nama", {"nama": "Siti"}) == "Siti"
    assert value_of("($lama := $rahasia; $lama)", {}) is MISSING
    twice = compile_expression("[$x, $x := a]")
    assert [twice.evaluate({"a": number}, {}, 5.0) for number in (1, 2)] == [[1], [2]]
    expression = compile_expression("$v")
    assert expression.evaluate({}, {"v": 1}, 5.0) == 1
    assert expression.evaluate({}, {}, 5.0) is MISSING


@pytest.mark.parametrize(
    "text", ['$error("NIK " & nik)', "$assert(false, nik)", "nik + 1", "$nik(nik)", "nik.$number()"]
)
def test_a_failure_tells_its_code_and_no_data(text: str):
    failed = failure_of(text, {"nik": "3524010101900001x"})
    assert "3524" not in failed.code + str(failed)


@pytest.mark.parametrize("text", ["function($x){$x}", "$trim", '{"f": $trim}', "1/0", '"a" + 1'])
def test_what_gives_no_json_fails(text: str):
    assert failure_of(text).code in ("value", "T2001")


@pytest.mark.parametrize("text", ["a +", "(", "a[", "{", "$match(a, /(/)"])
def test_what_is_no_expression_is_refused(text: str):
    with pytest.raises(ExpressionFailed):
        compile_expression(text)


def test_a_range_has_all_its_numbers():
    assert value_of("[1..3]") == [1, 2, 3]
    assert value_of("$map([1..3], function($n) {$n * 2})") == [2, 4, 6]


def test_the_words_of_agencies_are_functions():
    assert value_of('$saysAbsent(a, "layanan")', {"a": "Layanan tidak ditemukan"}) is True
    assert value_of("$saysDenied(a)", {"a": "Token tidak valid"}) is True
    assert value_of("$saysSuccess(a)", {"a": "gagal"}) is False


def test_a_number_of_more_than_fifteen_digits_is_one_row_s_fault():
    value = read_json(
        b'[{"a": 123456789012345}, {"a": 1234567890123456}, {"a": 0.1234567890123456}, {"a": 1e15}]', "short"
    )
    assert [is_usable(row) for row in value] == [True, False, False, False]
    assert value[1] == {"a": Decimal(1234567890123456)}


def test_numbers_as_text_keep_every_digit():
    text = b'{"nik": 0, "kk": 12345678901234567890, "x": [1.50, -2e400], "t": "7", "b": true, "n": null}'
    assert read_json(text, "text") == {
        "nik": "0",
        "kk": "12345678901234567890",
        "x": ["1.50", "-2e400"],
        "t": "7",
        "b": True,
        "n": None,
    }


@pytest.mark.parametrize("numbers", ["short", "text"])
@pytest.mark.parametrize("text", [b"", b"<html>", b"[NaN]", b"[Infinity]", b'{"a": 1', b"[" * 100_000])
def test_what_is_no_json_is_not_read(text: bytes, numbers: Any):
    with pytest.raises(ValueError, match=r"."):
        read_json(text, numbers)


def test_half_a_surrogate_pair_is_one_row_s_fault():
    value = read_json(b'[{"a": "\\ud83d"}, {"a": "\xff"}, {"a": "\\ud83d\\ude00"}]', "short")
    assert [is_usable(row) for row in value] == [False, False, True]
