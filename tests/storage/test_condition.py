"""The condition of the database, as the doctor reads it."""

from bus.storage import Storage, read_condition


def test_the_condition_of_the_database_is_read(storage: Storage):
    condition = read_condition(storage)
    if storage.is_sqlite:
        assert condition.file is not None
        assert condition.file.is_file()
        assert condition.server is None
    else:
        assert condition.server is not None
        assert abs(condition.server.ahead_seconds) < 5
        assert condition.server.commits in ("on", "off", "local", "remote_write", "remote_apply")
