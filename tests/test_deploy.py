"""The files for running the bot in production: they can be read, and they fit the bot."""

import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

from simulation.starts import PROJECT
from utils.telemetry.process_end import DUMP_SECONDS

UNIT = PROJECT / "docs" / "deploy" / "killfeed.service"


def read_unit() -> ConfigParser:
    """Return the sections of the unit."""
    unit = ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign] # the library's way to keep the case
    unit.read_string(UNIT.read_text("utf-8"))
    return unit


def test_unit_of_systemd_says_what_the_bot_needs() -> None:
    """The unit waits for the bot's word, restarts it, and leaves it nothing that it does not need."""
    assert dict(read_unit()["Service"]) == {
        "Type": "notify",
        "WatchdogSec": "60",
        "User": "killfeed",
        "WorkingDirectory": "/opt/killfeed",
        "ExecStart": "/opt/killfeed/.venv/bin/python bot.py",
        "Restart": "always",
        "RestartSec": "30",
        "RestartPreventExitStatus": "2",
        "KillMode": "mixed",
        "TimeoutStopSec": "60",
        "ProtectSystem": "strict",
        "ReadWritePaths": "/opt/killfeed/data",
        "ProtectHome": "true",
        "PrivateTmp": "true",
        "NoNewPrivileges": "true",
        "CapabilityBoundingSet": "",
        "RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX AF_NETLINK",
        "SystemCallFilter": "@system-service",
        "SystemCallErrorNumber": "EPERM",
        "UMask": "0077",
    }


def test_unit_of_systemd_waits_longer_than_the_bot_needs_to_end() -> None:
    """The bot leaves its stacks before systemd kills it."""
    assert float(read_unit()["Service"]["TimeoutStopSec"]) > DUMP_SECONDS


def test_systemd_understands_its_unit(tmp_path: Path) -> None:
    """Systemd finds no fault in the unit; the interpreter of this test stands in for the installed one."""
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("this system has no systemd")
    installed = read_unit()["Service"]["ExecStart"].split()[0]
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text("utf-8").replace(installed, sys.executable), "utf-8")
    found = subprocess.run(  # noqa: S603 - systemd's own program and our own file
        [analyze, "verify", "--man=no", "--generators=no", str(unit)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (found.returncode, found.stdout + found.stderr) == (0, "")
