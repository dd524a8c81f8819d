"""Elements that an answer lacks are named in its remark, and only to those who may see them."""

from hypothesis import given
from hypothesis import strategies as st

from bus.kit import add_unfit, hide_unfit


def test_elements_are_named_behind_the_remark():
    assert add_unfit("", ["/a/b"]) == "tidak layak: a/b"
    assert add_unfit("status ganda", ["/b", "/a"]) == "status ganda; tidak layak: a, b"


def test_elements_that_are_named_already_stay_and_are_named_once():
    assert add_unfit(add_unfit("status ganda", ["/b"]), ["/a", "/b"]) == "status ganda; tidak layak: a, b"


def test_a_hidden_element_is_not_named():
    remark = add_unfit("status ganda", ["/a", "/b"])
    assert hide_unfit(remark, lambda pointer: pointer == "/b") == "status ganda; tidak layak: b"
    assert hide_unfit(remark, lambda _: False) == "status ganda"
    assert hide_unfit(add_unfit("", ["/a"]), lambda _: False) == ""
    assert hide_unfit("status ganda", lambda _: False) == "status ganda"


@given(st.lists(st.from_regex(r"/[a-z_]{1,30}", fullmatch=True), min_size=1, max_size=50))
def test_a_remark_stays_as_short_as_contracts_want_it(pointers: list[str]):
    remark = add_unfit("data ditemukan, status meninggal dunia", pointers)
    assert len(remark) <= 200
    assert remark.startswith("data ditemukan, status meninggal dunia; tidak layak: ")
    assert ("dan lainnya" in remark) == (len(", ".join({p[1:] for p in pointers})) + 53 > 200)
