"""The contributors' page: every file that it names is there."""

import re

from tests.contracts.documents import ROOT

PAGE = (ROOT / "CONTRIBUTING.md").read_text()


def test_every_file_that_the_page_names_is_there():
    named = set(re.findall(r"`((?:bus|tests|docs|adapters|\.devcontainer)/[\w./-]*)`", PAGE))
    assert len(named) > 10
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []


def test_every_make_target_that_the_page_names_is_one():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"make ([a-z]+)[ `]", PAGE)) <= targets
