"""What a hand-over and a run cost does not grow with what a subscription is owed."""

from pathlib import Path

from bus.storage import open_storage, upgrade
from tests.delivery.a_book import Book
from tests.storage.a_plan import plans


def test_neither_a_hand_over_nor_a_run_walks_all_that_a_subscription_is_owed(tmp_path: Path):
    storage = open_storage(f"sqlite:///{tmp_path / 'bus.db'}")
    upgrade(storage)
    book = Book(storage)
    book.owe(*range(20))
    steps = plans(storage, lambda: [book.load(lease) for lease in book.lease(ordered=True)])
    assert any("ix_deliveries_key" in step for step in steps)
    assert [step for step in steps if "deliveries USING PRIMARY KEY (subscription=?)" in step] == []
    storage.close()
