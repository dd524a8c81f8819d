"""Names of tables in a copy: PostgreSQL takes each as it is, and no two contracts share one."""

import pytest

from bus.pull.tables import PULLS, name_table

pytestmark = pytest.mark.unit

LONG = "kependudukan." + "a" * 80


def test_a_table_has_its_contract_s_name():
    assert name_table("layanan.katalog-induk") == "layanan_katalog_induk"
    assert len(name_table("a." + "b" * 61)) == 63


def test_long_names_that_begin_alike_stay_different():
    names = {name_table(f"{LONG}{end}") for end in ("a", "b", "-", "")}
    assert len(names) == 4
    assert all(len(name) == 63 for name in names)


def test_the_table_of_cursors_is_no_contract_s():
    assert name_table("bus.pull") != PULLS.name
