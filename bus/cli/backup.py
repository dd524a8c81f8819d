"""`bus backup` and `bus restore`: a bus in a folder, and a bus from a folder."""

from pathlib import Path
from typing import Annotated

import typer

from bus.actions import Channel, identify_operator
from bus.backup import make_backup, note_restored, restore_backup
from bus.cli.privacy import close_to_others, private_files
from bus.cli.terminal import say
from bus.cli.workspace import find_settings, keep_settings, open_workspace


def backup(
    folder: Annotated[Path, typer.Argument(help="where the back-up goes; must not exist yet")],
    data: Annotated[Path | None, typer.Option(help="the bus's data folder", envvar="BUS_DATA_DIR")] = None,
    recipient: Annotated[
        str | None, typer.Option(help="public key of age, `age1…`: everything is encrypted for it")
    ] = None,
) -> None:
    """Back up database, keys and settings, while the bus runs, and check the copy.

    Example: bus backup /backup/$(date +%F) --data .bus
    """
    with open_workspace(data) as workspace:
        made = make_backup(workspace.settings, workspace.storage, folder, recipient, identify_operator(Channel.CLI))
    say(f"backed up to {made.folder}: {made.size:,} bytes, events up to {made.manifest.last_position:,}, checked")
    if recipient is None:
        say("it holds everybody's data and every secret in the open; encrypt it before it leaves this machine")


def restore(
    folder: Annotated[Path, typer.Argument(help="what `bus backup` made")],
    data: Annotated[Path | None, typer.Option(help="an empty data folder", envvar="BUS_DATA_DIR")] = None,
    database_url: Annotated[
        str | None, typer.Option(help="SQLAlchemy URL of an empty database; absent: a SQLite file in the folder")
    ] = None,
    identity: Annotated[Path | None, typer.Option(help="file with the private key of an encrypted back-up")] = None,
) -> None:
    """Make a bus from a back-up. What does not fit is refused, and nothing is changed.

    Example: bus restore /backup/2026-11-28 --data .bus
    """
    settings = find_settings(data, database_url=database_url)
    with private_files():
        restored = restore_backup(folder, settings, identity, identify_operator(Channel.CLI))
        settings = find_settings(data, database_url=database_url)
        keep_settings(settings)
    close_to_others(settings)
    say(f"restored to {settings.data_dir}: events up to {restored.last_position:,}, backed up at {restored.made_at}")
    say(
        f"positions after {restored.last_position:,} will be given again: whose cursor is behind them gets 410, and is told how "
        "to go on (docs/operators.md, Back-up)"
    )
    say(f"now run `bus init --data {settings.data_dir}`, which brings the tables to this version, and start the bus")


def restored(
    data: Annotated[Path | None, typer.Option(help="the bus's data folder", envvar="BUS_DATA_DIR")] = None,
) -> None:
    """Say that the database was restored without `bus restore`, before the bus starts.

    Such as PostgreSQL's restore to a point in time. A bus that runs already notices within a second.

    Example: bus restored --data .bus
    """
    with open_workspace(data) as workspace:
        position = note_restored(workspace.storage, workspace.settings.data_dir, identify_operator(Channel.CLI))
    say(f"noted: positions after {position:,} are given again, and cursors behind them get 410")
