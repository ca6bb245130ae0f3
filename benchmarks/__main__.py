"""``python -m benchmarks [name...] [--rows N]``: measure, and print a table.

Needs Linux and the embedded mongod. The figures depend on this machine and on its other load. Compare ratios
within one run; figures of different runs can hardly be compared.
"""

import argparse
import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

import structlog

from benchmarks import (
    answers,
    backup,
    both,
    care,
    community,
    errors,
    factions,
    importing,
    languages,
    lines,
    live,
    load,
    outage,
    starting,
)
from benchmarks.figures import Figure, render_table

ROWS = 100_000

BENCHMARKS: dict[str, Callable[[int], Awaitable[list[Figure]]]] = {
    "import": importing.measure,
    "lines": lines.measure,
    "both": both.measure,
    "live": live.measure,
    "start": starting.measure,
    "answers": answers.measure,
    "load": load.measure,
    "outage": outage.measure,
    "backup": backup.measure,
    "errors": errors.measure,
    "care": care.measure,
    "factions": factions.measure,
    "community": community.measure,
    "languages": languages.measure,
}


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.partition("\n")[0])
    parser.add_argument(
        "names", nargs="*", metavar="name", help=f"of {', '.join(BENCHMARKS)}; all without one"
    )
    parser.add_argument("--rows", type=int, default=ROWS, help="rows of the imported history")
    arguments = parser.parse_args()
    if unknown := sorted(set(arguments.names) - BENCHMARKS.keys()):
        parser.error(f"no benchmark is called {', '.join(unknown)}")
    return arguments


async def run(names: Sequence[str], rows: int) -> None:
    """Run benchmarks one after another and print each one's figures as they come."""
    for name in names:
        print(render_table(await BENCHMARKS[name](rows)), flush=True)
        print()


def main() -> None:
    """Run the benchmarks that the command line names."""
    logging.disable(logging.WARNING)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    arguments = parse_arguments()
    asyncio.run(run(arguments.names or list(BENCHMARKS), arguments.rows))


if __name__ == "__main__":
    main()
