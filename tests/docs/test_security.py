"""The security page: what it names exists, and it holds the bus against every requirement of ASVS 5.0.0, levels 1 and 2."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.contracts.documents import ROOT

PAGES = [ROOT / "docs/security.md", ROOT / "docs/decisions/crypto.md", ROOT / "SECURITY.md"]
PAGE = PAGES[0].read_text()
VERDICTS = {"met", "met if set up", "not applicable", "not met"}
ROW = re.compile(r"^\| (\d+\.\d+\.\d+[^|]*?) \| ([^|]+?) \| ([^|]+?) \| (.+?) \|$", re.MULTILINE)
TESTS = sorted(set(re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", PAGE)))
SOURCES = sorted(set(re.findall(r"`((?:bus|adapters|docs)/[\w/]+\.\w+|Dockerfile|Makefile|[\w.-]+\.lock)`", PAGE)))

# The requirements of levels 1 and 2 in each section of the standard, where those of level 3 come last.
REQUIRED = """
1.1: 1-2; 1.2: 1-9; 1.3: 1-11; 1.4: 1-3; 1.5: 1-2; 2.1: 1-3; 2.2: 1-3; 2.3: 1-4; 2.4: 1-1; 3.2: 1-2; 3.3: 1-4;
3.4: 1-6; 3.5: 1-5; 3.7: 1-2; 4.1: 1-3; 4.2: 1-1; 4.3: 1-2; 4.4: 1-4; 5.1: 1-1; 5.2: 1-3; 5.3: 1-2; 5.4: 1-3;
6.1: 1-3; 6.2: 1-12; 6.3: 1-4; 6.4: 1-4; 6.5: 1-5; 6.6: 1-3; 6.8: 1-4; 7.1: 1-3; 7.2: 1-4; 7.3: 1-2; 7.4: 1-5;
7.5: 1-2; 7.6: 1-2; 8.1: 1-2; 8.2: 1-3; 8.3: 1-1; 8.4: 1-1; 9.1: 1-3; 9.2: 1-4; 10.1: 1-2; 10.2: 1-2; 10.3: 1-4;
10.4: 1-11; 10.5: 1-5; 10.6: 1-2; 10.7: 1-3; 11.1: 1-2; 11.2: 1-3; 11.3: 1-3; 11.4: 1-4; 11.5: 1-1; 11.6: 1-1;
12.1: 1-3; 12.2: 1-2; 12.3: 1-4; 13.1: 1-1; 13.2: 1-5; 13.3: 1-2; 13.4: 1-5; 14.1: 1-2; 14.2: 1-4; 14.3: 1-3;
15.1: 1-3; 15.2: 1-3; 15.3: 1-7; 16.1: 1-1; 16.2: 1-5; 16.3: 1-4; 16.4: 1-3; 16.5: 1-3; 17.1: 1-1; 17.2: 1-4;
17.3: 1-2
"""


def ids(text: str) -> Iterator[str]:
    """The ids in a cell: single ones, or `6.2.1 to 6.2.12`."""
    for part in text.split(", "):
        first, _, last = part.partition(" to ")
        section, number = first.rsplit(".", 1)
        until = last.rsplit(".", 1)[1] if last else number
        yield from (f"{section}.{one}" for one in range(int(number), int(until) + 1))


def required() -> set[str]:
    found = re.findall(r"([\d.]+): (\d+)-(\d+)", REQUIRED)
    return {f"{section}.{one}" for section, first, last in found for one in range(int(first), int(last) + 1)}


@cache
def functions(file: Path) -> set[str]:
    tree = ast.parse(file.read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.parametrize(("path", "name"), TESTS, ids=["::".join(filter(None, one)) for one in TESTS])
def test_a_test_that_the_page_names_exists(path: str, name: str):
    file = ROOT / path
    assert file.is_file()
    assert not name or name in functions(file)


def test_the_page_names_tests_and_files():
    assert len(TESTS) > 80
    assert len(SOURCES) > 8


@pytest.mark.parametrize("path", SOURCES)
def test_a_file_that_the_page_names_exists(path: str):
    assert (ROOT / path).is_file()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_link_leads_somewhere(page: Path):
    text = page.read_text()
    headings = {_anchor(line) for line in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}
    for target in re.findall(r"\]\(([^)]+)\)", text):
        path, _, anchor = target.partition("#")
        if path.startswith("https://"):
            continue
        assert not path or (page.parent / path).is_file(), target
        assert path or anchor in headings, target


def test_every_requirement_of_levels_1_and_2_has_one_verdict():
    rows = ROW.findall(PAGE)
    named = Counter(one for cell, *_ in rows for one in ids(cell))
    assert len(required()) == 253
    assert {one for one, times in named.items() if times > 1} == set()
    assert set(named) == required()
    assert {verdict for _, _, verdict, _ in rows} <= VERDICTS


def test_the_sum_of_the_verdicts_is_that_of_the_rows():
    counted = Counter(verdict for cell, _, verdict, _ in ROW.findall(PAGE) for _ in ids(cell))
    told = {verdict: int(number) for verdict, number in re.findall(r"^\| ([a-z ]+) \| (\d+) \|$", PAGE, re.MULTILINE)}
    assert told == {**counted, "all": 253}


def test_each_actor_has_threats():
    _, _, rest = PAGE.partition("## Who attacks")
    table, _, threats = rest.partition("## Threats")
    actors = re.findall(r"^\| ([^|]+?) \| [^|]+ \| [^|]+ \|$", table, re.MULTILINE)[1:]
    headings = re.findall(r"^### (.+)$", threats, re.MULTILINE)
    assert len(actors) == 12
    for actor in actors:
        short = re.split(r"[:,]", actor)[0].casefold()
        assert any(heading.casefold().startswith(short[:12]) for heading in headings), actor


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-")
