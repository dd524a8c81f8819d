"""Answers written as JSON: a large one keeps nobody waiting, and says the same."""

import threading
from typing import Any

from pydantic import BaseModel, Field

from bus import json
from bus.http.written import write_answer, write_page


class Witness(dict[str, Any]):
    """An object that remembers the threads that wrote it."""

    def __init__(self, value: dict[str, Any]) -> None:
        super().__init__(value)
        self.threads: set[int] = set()

    def items(self) -> Any:
        self.threads.add(threading.get_ident())
        return super().items()


class Entry(BaseModel):
    sender: str = Field(alias="from")
    details: dict[str, Any] | None


class Page(BaseModel):
    title: str
    entries: list[Entry]
    others: list[Entry]
    next: str | None


async def test_a_large_answer_is_not_written_in_the_event_loop():
    large = Witness({"penduduk": [{"nama": f"Rekaan {number}"} for number in range(20_000)]})
    answer = await write_answer(large, {"cache-control": "no-store"})
    assert large.threads
    assert threading.get_ident() not in large.threads
    assert (answer.body, answer.headers["cache-control"]) == (json.dumps(dict(large)), "no-store")


async def test_a_small_answer_is_what_it_says():
    answer = await write_answer({"ditemukan": False}, {})
    assert (answer.body, answer.media_type) == (b'{"ditemukan":false}', "application/json")


def test_a_page_says_what_its_model_says():
    entries = [Entry(**{"from": "a", "details": {"b": 1}}), Entry(**{"from": "c", "details": None})]
    for others in ([], entries):
        page = Page(title="Uji", entries=entries, others=others, next=None)
        assert json.loads(write_page(page).body) == json.loads(page.model_dump_json(by_alias=True))
