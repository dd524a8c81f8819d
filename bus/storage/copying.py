"""Copies of databases: SQLite by its own online copy, PostgreSQL by `pg_dump` and `pg_restore`."""

import os
import sqlite3
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

from sqlalchemy.engine import URL

from bus.problem import Refused

_FILES: Final = {"sqlite": "bus.db", "postgresql": "bus.dump"}
_MISSING: Final = "{name} is not installed; install PostgreSQL's client programs (Debian: postgresql-client)."


class CopyFailed(Refused):
    """The database was not copied, or not loaded from its copy; mend what the message names, and try again."""

    status = 500
    slug = "copy-failed"


def name_copy(kind: str) -> str:
    """The name of a copy's file, by the kind of its database: `sqlite` or `postgresql`."""
    return _FILES[kind]


def copy_database(url: URL, target: Path) -> None:
    """Copy a database as it is at one moment, while others write to it, and check the copy.

    Raises:
        CopyFailed: the copy cannot be made, or is not sound.
    """
    if url.get_backend_name() == "sqlite":
        _copy_sqlite(url.database or "", target)
    else:
        _run("pg_dump", url, ["--format=custom", "--no-owner", "--no-acl", f"--file={target}"])
        # Reads the whole file, as a restore would.
        _run("pg_restore", None, ["--file=/dev/null", str(target)])


def _copy_sqlite(source: str, target: Path) -> None:
    try:
        with (
            closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as database,
            closing(sqlite3.connect(target)) as copy,
        ):
            # All pages in one step: writers go on beside it, and a copy in several would begin anew at each of their commits.
            database.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")
            sound = [row[0] for row in copy.execute("PRAGMA quick_check(1)")]
    except sqlite3.Error as error:
        raise CopyFailed(f"The database cannot be copied: {error}.") from None
    if sound != ["ok"]:
        raise CopyFailed("The copy of the database is not sound, and the database may not be either; check its disk.")


def load_copy(copy: Path, url: URL) -> None:
    """Load a copy into a PostgreSQL database that has no tables: all of it or nothing.

    Raises:
        CopyFailed: PostgreSQL does not take it.
    """
    options = ["--no-owner", "--no-acl", "--exit-on-error", "--single-transaction"]
    _run("pg_restore", url, [*options, str(copy)])


def _run(program: str, url: URL | None, options: Sequence[str]) -> None:
    environment = os.environ | ({} if url is None else _name_password(url))
    connection = [] if url is None else [f"--dbname={_name_database(url)}"]
    try:
        done = subprocess.run(  # noqa: S603 - a program of PostgreSQL's, with options of ours
            [program, *connection, *options], env=environment, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise CopyFailed(_MISSING.format(name=program)) from None
    if done.returncode:
        told = done.stderr.strip().splitlines()
        raise CopyFailed(f"{program} failed: {told[0] if told else f'exit {done.returncode}'}")


def _name_database(url: URL) -> str:
    """The address of a database for PostgreSQL's programs, without its password, which others could read in `ps`."""
    return url.set(drivername="postgresql", password=None).render_as_string(hide_password=False)


def _name_password(url: URL) -> Mapping[str, str]:
    return {} if url.password is None else {"PGPASSWORD": str(url.password)}
