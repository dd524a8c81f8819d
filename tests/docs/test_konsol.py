"""docs/konsol.md shows every picture that `make screenshots` makes, and each is small."""

import re

from tests.journeys.console.screenshots import FOLDER, list_names


def test_the_guide_shows_every_picture_and_no_other():
    shown = re.findall(r"!\[[^\]]+\]\(konsol/([a-z-]+)\.png\)", (FOLDER.parent / "konsol.md").read_text())
    assert sorted(shown) == sorted(list_names())
    assert {path.stem for path in FOLDER.iterdir()} == set(shown)


def test_a_picture_is_small():
    assert {path.name: path.stat().st_size for path in FOLDER.iterdir() if path.stat().st_size > 60_000} == {}
