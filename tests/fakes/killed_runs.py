"""Runs a module that kills children again and again, as a process of its own without a client of MongoDB."""

import subprocess
import sys

from pymongo import MongoClient

from simulation.starts import PROJECT

FOUND = "found: "


def run_kills(module: str, mongod_uri: str, database: str, *arguments: str) -> list[str]:
    """Run a module with a database that is dropped afterwards; return what it found, line by line."""
    command = (sys.executable, "-m", module, mongod_uri, database, *arguments)
    done = subprocess.run(command, capture_output=True, text=True, cwd=PROJECT, check=False)  # noqa: S603
    with MongoClient[dict[str, object]](mongod_uri) as client:
        client.drop_database(database)
    assert done.returncode == 0, done.stdout + done.stderr
    return [line.removeprefix(FOUND) for line in done.stdout.splitlines() if line.startswith(FOUND)]
