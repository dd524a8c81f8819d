"""The glossary: one term for one thing, in English and in Indonesian."""

import re

from tests.contracts.documents import ROOT


def test_every_term_is_explained_once():
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", (ROOT / "docs/glossary.md").read_text(), re.MULTILINE)
    terms = [english for english, *_ in rows if english != "English"]
    assert terms
    assert sorted(terms) == sorted(set(terms))
