"""What is left of an answer without its unfit elements."""

from typing import Any

import pytest

from bus.agencies.unfit import leave_out

ANSWER = {
    "ditemukan": True,
    "orang": {"nama": "x", "alamat": {"kode": "0", "jalan": "y"}},
    "daftar": [{"a": 1}, {"a": 2}, 3],
}


def without(*names: str) -> dict[str, Any]:
    return {name: value for name, value in ANSWER.items() if name not in names}


@pytest.mark.parametrize(
    ("pointers", "rest", "left_out"),
    [
        (["/orang/nama"], ANSWER | {"orang": {"alamat": {"kode": "0", "jalan": "y"}}}, ["/orang/nama"]),
        (["/orang/alamat/kode"], ANSWER | {"orang": {"nama": "x", "alamat": {"jalan": "y"}}}, ["/orang/alamat/kode"]),
        (["/orang/nama", "/orang"], without("orang"), ["/orang"]),
        (["/daftar/0", "/daftar/2"], ANSWER | {"daftar": [{"a": 2}]}, ["/daftar/0", "/daftar/2"]),
        (["/daftar/1/a"], ANSWER | {"daftar": [{"a": 1}, {}, 3]}, ["/daftar/1/a"]),
    ],
)
def test_an_unfit_element_is_left_out_alone(pointers: list[str], rest: dict[str, Any], left_out: list[str]) -> None:
    assert leave_out(ANSWER, pointers) == (rest, left_out)


@pytest.mark.parametrize(
    ("pointer", "unfit"), [("/orang/nik", "orang"), ("/daftar/7", "daftar"), ("/ditemukan/x", "ditemukan")]
)
def test_an_object_that_lacks_a_member_is_unfit_as_a_whole(pointer: str, unfit: str) -> None:
    assert leave_out(ANSWER, [pointer]) == (without(unfit), [f"/{unfit}"])


@pytest.mark.parametrize("pointers", [[""], ["", "/orang"], ["/yang-harus-ada"], ["/***"]])
def test_an_answer_that_is_unfit_itself_is_left_out_whole(pointers: list[str]) -> None:
    assert leave_out(ANSWER, pointers) is None


def test_the_answer_itself_does_not_change() -> None:
    before = repr(ANSWER)
    leave_out(ANSWER, ["/orang/alamat/kode", "/daftar/0/a"])
    assert repr(ANSWER) == before
