"""Measure both sides in turn, and print ratios."""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from .load import Target
from .sides import Side, serving

LIST = {"type": "threads.list", "params": {"limit": 20, "order": "desc"}}


class Measurements:
    """What was measured on one side, run by run."""

    def __init__(self) -> None:
        self.runs: dict[str, list[float]] = {}

    def add(self, name: str, value: float) -> None:
        self.runs.setdefault(name, []).append(value)

    def median(self, name: str) -> float:
        return statistics.median(self.runs[name])


async def burst(target: Target, people: int, text: str) -> tuple[float, float, int]:
    """Pieces a second of so many answers at once, and the median time to their first event."""
    begun = time.perf_counter()
    answers = await asyncio.gather(*(target.stream(text) for _ in range(people)))
    seconds = time.perf_counter() - begun
    if any(answer.failed for answer in answers):
        raise SystemExit(f"{sum(answer.failed for answer in answers)} of {people} answers failed")
    pieces = sum(answer.pieces for answer in answers)
    return pieces / seconds, statistics.median(answer.first for answer in answers), pieces


async def ask(target: Target, people: int, times: int) -> float:
    """Lists of threads a second."""
    begun = time.perf_counter()
    refused = sum(await asyncio.gather(*(target.ask(LIST, times) for _ in range(people))))
    if refused:
        raise SystemExit(f"{refused} requests were refused")
    return people * times / (time.perf_counter() - begun)


def measure(side: Side, found: Measurements, sizes: argparse.Namespace) -> None:
    cpu = side.cpu_seconds()
    rate, first, pieces = asyncio.run(burst(side.target, sizes.people, f"{sizes.pieces} 0"))
    found.add("events a second, at once", rate)
    found.add("ms to the first event, at once", first * 1000)
    found.add("CPU µs of the server for an event", (side.cpu_seconds() - cpu) * 1e6 / pieces)
    cpu = side.cpu_seconds()
    found.add("lists of threads a second", asyncio.run(ask(side.target, 10, sizes.times)))
    found.add("CPU µs of the server for a list", (side.cpu_seconds() - cpu) * 1e6 / (10 * sizes.times))
    _, first, _ = asyncio.run(burst(side.target, sizes.paced, "20 50"))
    found.add("ms to the first event, paced", first * 1000)


def queries(side: Side, work: Callable[[], object]) -> int:
    """How many queries something takes, on our side."""
    before = counts(side)["queries"]
    work()
    return counts(side)["queries"] - before


def counts(side: Side) -> dict[str, int]:
    with urllib.request.urlopen(f"http://127.0.0.1:{side.target.port}/counts/") as response:
        found: dict[str, int] = json.load(response)
        return found


def count(side: Side) -> None:
    one = queries(side, lambda: asyncio.run(burst(side.target, 1, "20 0")))
    many = queries(side, lambda: asyncio.run(side.target.ask(LIST, 1)))
    print(f"\nQueries of ours, session and user included: a new thread with its answer {one}, a list {many}.")
    print(f"Connections that were opened, or taken from the pool, in all: {counts(side)['connections']}.")


def report(ours: Measurements, theirs: Measurements) -> None:
    print(f"{'median of the runs':38} {'ours':>10} {'plain SDK':>10} {'ratio':>6}")
    for name in ours.runs:
        mine, other = ours.median(name), theirs.median(name)
        print(f"{name:38} {mine:10.1f} {other:10.1f} {mine / other if other else 0:6.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="how often each side is measured")
    parser.add_argument("--people", type=int, default=20, help="answers at once")
    parser.add_argument("--pieces", type=int, default=200, help="pieces of an answer")
    parser.add_argument("--times", type=int, default=30, help="lists that each of ten people asks for")
    parser.add_argument("--paced", type=int, default=100, help="paced answers at once")
    sizes = parser.parse_args()
    ours, theirs = Measurements(), Measurements()
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as (site, plain):
        for side in (site, plain):  # imports and caches
            measure(side, Measurements(), argparse.Namespace(people=2, pieces=5, times=2, paced=2))
        for run in range(sizes.runs):
            # Who comes first alternates, too.
            for side, found in [(site, ours), (plain, theirs)][:: 1 if run % 2 else -1]:
                measure(side, found, sizes)
        report(ours, theirs)
        count(site)


if __name__ == "__main__":
    main()
