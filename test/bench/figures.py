"""The figures of make bench: each is a ratio of medians, against a limit measured in the same run on the same machine."""

from dataclasses import dataclass
from statistics import median


@dataclass
class Figure:
    """One line of the table. `better` is "<=" or ">=": how `value` must stand to `limit`; no limit, no verdict."""

    name: str
    value: float
    limit: float | None = None
    better: str = "<="
    note: str = ""

    def holds(self) -> bool | None:
        if self.limit is None:
            return None
        return self.value <= self.limit if self.better == "<=" else self.value >= self.limit

    def line(self) -> str:
        verdict = {None: "", True: "holds", False: "MISSED"}[self.holds()]
        limit = "" if self.limit is None else f"{self.better} {self.limit:g}"
        return f"{self.name:<58} {self.value:>10.3f}  {limit:<9} {verdict:<7} {self.note}"


def verdict(figures: list) -> str:
    """The last line. A figure without a limit does not count."""
    held = [figure.holds() for figure in figures if figure.limit is not None]
    missed = held.count(False)
    return f"{held.count(True)} of {len(held)} figures hold" + (f", {missed} missed" if missed else "")


def paired(mine: list, theirs: list) -> float:
    """The median of the ratios, run by run: a drift of the machine's speed meets both of a pair."""
    return median(a / b for a, b in zip(mine, theirs, strict=True))


def p95(values: list) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]


def spread(values: list) -> str:
    return f"{median(values):.2f} s ({min(values):.2f}-{max(values):.2f})"
