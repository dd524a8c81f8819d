"""A ratio: what the bus reached against a baseline, measured in turns, since a shared machine drifts."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from rich.console import Console
from rich.table import Table

Measure = Callable[[], Awaitable[float]]


@dataclass(frozen=True, slots=True)
class Ratio:
    """One row of the result.

    Attributes:
        bound: what the ratio has to reach, or may at most be where `at_most`.
        unit: of `ours` and `theirs`.
    """

    what: str
    against: str
    ours: Sequence[float]
    theirs: Sequence[float]
    bound: float
    unit: str = "/s"
    at_most: bool = False
    note: str = ""

    @property
    def rounds(self) -> list[float]:
        """The ratio of each round."""
        return [mine / base for mine, base in zip(self.ours, self.theirs, strict=True)]

    @property
    def value(self) -> float:
        """The median of the rounds."""
        return median(self.rounds)

    @property
    def holds(self) -> bool:
        """Whether it is within its bound."""
        return self.value <= self.bound if self.at_most else self.value >= self.bound

    def written(self, value: float) -> str:
        """A value of it as the table has it."""
        return f"{value:.2f}"


class Difference(Ratio):
    """A row that compares by subtraction: what the bus took more than the baseline, in `unit`."""

    __slots__ = ()

    @property
    def rounds(self) -> list[float]:
        """The difference of each round."""
        return [mine - base for mine, base in zip(self.ours, self.theirs, strict=True)]

    def written(self, value: float) -> str:
        """A value of it as the table has it."""
        return f"{value:+.0f} {self.unit}"


async def in_turns(measures: Mapping[str, Measure], rounds: int) -> dict[str, list[float]]:
    """Measure one after the other, every second round backwards, so that no one always goes first."""
    values: dict[str, list[float]] = {name: [] for name in measures}
    for number in range(rounds):
        for name in sorted(measures, reverse=number % 2 == 1):
            values[name].append(await measures[name]())
    return values


def show(ratios: Sequence[Ratio], console: Console) -> None:
    """Print the table."""
    table = Table(title="Ratio to the baseline of the same run: median of the rounds, lowest and highest")
    for column in ("what", "bus", "baseline", "", "ratio", "spread", "bound", ""):
        table.add_column(column, justify="right" if column in ("bus", "", "ratio", "bound") else "left")
    for ratio in ratios:
        table.add_row(
            ratio.what,
            f"{_figure(median(ratio.ours))} {ratio.unit}",
            ratio.against,
            f"{_figure(median(ratio.theirs))} {ratio.unit}",
            ratio.written(ratio.value),
            f"{ratio.written(min(ratio.rounds))} to {ratio.written(max(ratio.rounds))}",
            f"{'≤' if ratio.at_most else '≥'} {ratio.bound:g}",
            "[green]holds[/]" if ratio.holds else "[red]falls short[/]",
        )
    console.print(table)
    for ratio in ratios:
        if ratio.note:
            console.print(f"{ratio.what}: {ratio.note}", style="dim")


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"
