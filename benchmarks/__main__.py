"""``python -m benchmarks [name...] [--rows N]``: measure, and print a table.

Needs the embedded mongod and Linux. The figures are those of this machine and of whatever else it does
meanwhile: compare ratios within one run, and runs only with care.
"""

import argparse
import asyncio
import logging

import structlog

from benchmarks import importing
from benchmarks.figures import Figure, render_table

ROWS = 100_000


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--rows", type=int, default=ROWS, help="rows of the imported history")
    return parser.parse_args()


async def run(names: list[str], rows: int) -> list[Figure]:
    return await importing.measure(rows)


def main() -> None:
    """Run what was asked for."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    arguments = parse_arguments()
    print(render_table(asyncio.run(run(arguments.names, arguments.rows))))


if __name__ == "__main__":
    main()
