"""What is remembered of a refusal: rule and place, and nothing that the sender chose."""

import pytest

from bus.refusals.refusal import MORE, fold_pointer, round_to_hour

NAMES = {"nik", "alamat", "desa", "2024", "a\0b", "a/b", "x" * 80}


@pytest.mark.parametrize(
    ("pointer", "shown"),
    [
        ("", ""),
        ("/", ""),
        ("/id", "/id"),
        ("/traceparent", "/traceparent"),
        ("/3524010101900001", "/<other>"),
        ("/Siti Rekaan", "/<other>"),
        ("/data", "/data"),
        ("/data/nik", "/data/nik"),
        ("/data/alamat/desa", "/data/alamat/desa"),
        ("/data/alamat/Siti Rekaan", "/data/alamat/<other>"),
        ("/data/Siti Rekaan/desa", "/data/<other>/desa"),
        ("/data/alamat/17/desa", "/data/alamat/*/desa"),
        ("/data/3524010101900001", "/data/*"),
        ("/data/2024", "/data/2024"),
        ("/data/***", "/data/<other>"),
        ("/data/a~1b", "/data/a~1b"),
        ("/data/id", "/data/<other>"),
        ("/data/a\0b", "/data/<other>"),
        ("/data/" + "x" * 80, "/data/<other>"),
    ],
)
def test_a_pointer_keeps_only_names_that_the_contract_knows(pointer: str, shown: str) -> None:
    assert fold_pointer(pointer, NAMES) == shown


def test_a_deep_pointer_is_cut() -> None:
    shown = fold_pointer("/data" + "/desa" * 100, NAMES)
    assert (len(shown) < 270, shown.startswith("/data/desa/"), shown.endswith(f"/{MORE}")) == (True, True, True)


def test_an_hour_begins_on_the_hour() -> None:
    assert round_to_hour(7_200_000_001) == 7_200_000_000
