"""Which resource of a dataset is which: links to a resource hold its id."""

from typing import Any

import pytest

from adapters.bappenas.resources import patch_resources


def a_resource(name: str, url: str, **other: Any) -> dict[str, Any]:
    return {"name": name, "url": url, "format": "CSV", **other}


A, B = a_resource("A", "https://x.example/a.csv"), a_resource("B", "https://x.example/b.csv")


def known(*resources: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"id": f"res-{number}", **resource} for number, resource in enumerate(resources, start=1)]


@pytest.mark.parametrize(
    ("there", "wanted", "ids"),
    [
        pytest.param([A], [A], ["res-1"], id="unchanged"),
        pytest.param([A, B], [B, A], ["res-2", "res-1"], id="in another order"),
        pytest.param([A], [A | {"format": "XLSX"}], ["res-1"], id="another format"),
        pytest.param([A], [A | {"name": "Z"}], ["res-1"], id="another name"),
        pytest.param([A], [A | {"url": "https://y.example/z"}], ["res-1"], id="another address"),
        pytest.param([A], [a_resource("Z", "https://y.example/z")], [None], id="another name and address"),
        pytest.param([A], [A, B], ["res-1", None], id="one more"),
        pytest.param([A, B], [B], ["res-2"], id="one less"),
        pytest.param([A, B], [A | {"url": "u"}, B | {"name": "n"}], ["res-1", "res-2"], id="each changed once"),
        pytest.param([A, A], [A, A], ["res-1", "res-2"], id="twice the same"),
        pytest.param([A, A | {"url": "u"}], [A | {"url": "v"}], [None], id="a name that two of them have"),
        pytest.param([A], [A | {"url": "u"}, A | {"url": "v"}], [None, None], id="a name that two new ones have"),
        pytest.param(
            [A, A | {"url": "u"}], [A, A | {"url": "v"}], ["res-1", "res-2"], id="a name that one is left with"
        ),
        pytest.param(
            [A | {"url": B["url"]}, B | {"url": A["url"]}], [A, B], ["res-2", "res-1"], id="names changed over"
        ),
        pytest.param([A | {"name": "A "}], [A], ["res-1"], id="a blank behind"),
        pytest.param([], [A], [None], id="a new dataset"),
    ],
)
def test_a_resource_keeps_its_id(there: list[Any], wanted: list[Any], ids: list[str | None]) -> None:
    patched = patch_resources(known(*there), wanted)
    assert [item.get("id") for item in patched] == ids
    assert [{name: item[name] for name in ("name", "url", "format")} for item in patched] == wanted


def test_what_the_portal_added_to_a_resource_stays() -> None:
    assert patch_resources([{"id": "res-1", **A, "hash": "abc", "format": "?"}], [A]) == [
        {"id": "res-1", **A, "hash": "abc"}
    ]


@pytest.mark.parametrize(
    "odd", [{}, {"id": None, **A}, {"id": 7, **A}, {"id": "", **A}, {"id": "r", "name": 1, "url": []}]
)
def test_a_resource_without_an_id_or_a_name_is_none_that_could_be_kept(odd: dict[str, Any]) -> None:
    assert patch_resources([odd], [A]) == [A]
