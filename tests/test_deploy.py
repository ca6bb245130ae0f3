"""The files for running the bot in production: they can be read, and they fit the bot."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.specifiers import SpecifierSet

from simulation.starts import PROJECT
from utils.settings import load_settings
from utils.telemetry.process_end import DUMP_SECONDS

DEPLOY = PROJECT / "docs" / "deploy"
UNIT = DEPLOY / "killfeed.service"
STATUS = [".venv/bin/python", "bot.py", "status"]


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


def read_dockerfile() -> list[list[tuple[str, str]]]:
    """Return the stages of the Dockerfile, each as instructions with their arguments."""
    lines = re.sub(r"\\\n\s*", "", (DEPLOY / "Dockerfile").read_text("utf-8")).splitlines()
    stages: list[list[tuple[str, str]]] = []
    for line in lines:
        if line and not line.startswith("#"):
            name, _, rest = line.partition(" ")
            stages += [[]] if name == "FROM" else []
            stages[-1].append((name, rest))
    return stages


def list_copied() -> list[str]:
    """Return the files and folders of the project that the image holds."""
    copied = [rest.split() for name, rest in read_dockerfile()[-1] if name == "COPY"]
    return [source for words in copied if not words[0].startswith("--from") for source in words[:-1]]


def test_image_runs_the_bot_as_its_own_user_and_asks_for_its_status() -> None:
    """Each stage has a Python that the bot supports; packages are locked, and all data is in one volume."""
    packages, image = read_dockerfile()
    supported = SpecifierSet(
        tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["requires-python"]
    )
    versions = {re.match(r"python:([\d.]+)-", stage[0][1]) for stage in (packages, image)}
    assert {found is not None and found[1] in supported for found in versions} == {True}
    assert "--require-hashes --only-binary :all:" in dict(packages)["RUN"]
    steps = dict(image)
    assert (steps["USER"], steps["STOPSIGNAL"], steps["VOLUME"]) == ("10001", "SIGTERM", '["/data"]')
    assert "KILLFEED__DATA_DIR=/data" in steps["ENV"]
    assert json.loads(steps["ENTRYPOINT"]) == STATUS[:-1]
    assert json.loads(steps["HEALTHCHECK"].partition("CMD ")[2]) == STATUS
    assert [name for name, _ in image].index("USER") > [name for name, _ in image].index("RUN")


def test_image_holds_all_that_the_bot_needs() -> None:
    """The bot needs no other folder, and the file with its version; nothing else is sent to the builder."""
    ignored = (PROJECT / ".dockerignore").read_text("utf-8").splitlines()
    sent = {line[1:] for line in ignored if line.startswith("!")}
    assert sent == {*list_copied(), "requirements.lock"}
    assert list_copied() == ["pyproject.toml", "bot.py", "cogs", "utils"]
    assert all((PROJECT / name).exists() for name in sent)


def read_compose() -> dict[str, Any]:
    """Return the content of the compose file."""
    content: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yml").read_text("utf-8"))
    return content


def test_composed_bot_may_do_nothing_that_it_does_not_need() -> None:
    """It is read-only, not root, without capabilities, and it has the time that its stop may take."""
    bot = read_compose()["services"]["bot"]
    assert {name: bot[name] for name in ("user", "read_only", "tmpfs", "cap_drop", "security_opt")} == {
        "user": "10001",
        "read_only": True,
        "tmpfs": ["/tmp"],  # noqa: S108 - within the container, and in its memory
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
    }
    assert bot["healthcheck"]["test"] == ["CMD", *STATUS]
    assert bot["volumes"] == ["data:/data", "../../config.json:/opt/killfeed/config.json:ro"]
    assert (DEPLOY / bot["build"]["context"]).resolve() == PROJECT
    assert (PROJECT / bot["build"]["dockerfile"]).is_file()
    for service in read_compose()["services"].values():
        assert float(service["stop_grace_period"].removesuffix("s")) > DUMP_SECONDS
        assert service["restart"] == "unless-stopped"


def test_composed_mongodb_makes_its_replica_set_and_is_reached_by_the_bot_alone(tmp_path: Path) -> None:
    """The address that the bot is given names this service and this set; no port leaves the network."""
    compose = read_compose()
    bot, mongodb = compose["services"]["bot"], compose["services"]["mongodb"]
    assert set(compose["volumes"]) == {"mongodb", "data"}
    assert (mongodb["image"], mongodb["volumes"]) == ("mongo:7", ["mongodb:/data/db"])
    assert (mongodb["networks"], compose["networks"]["inside"]) == (["inside"], {"internal": True})
    assert [service for service in compose["services"].values() if "ports" in service] == []
    config = tmp_path / "config.json"
    shutil.copy(PROJECT / "config.example.json", config)
    settings = load_settings(config, bot["environment"])
    assert settings.mongodb.uri.get_secret_value() == "mongodb://mongodb:27017/?replicaSet=rs0"
    assert mongodb["command"][:2] == ["--replSet", "rs0"]
    assert '{_id: "rs0", members: [{_id: 0, host: "mongodb:27017"}]}' in mongodb["healthcheck"]["test"][-1]
    assert bot["depends_on"] == {"mongodb": {"condition": "service_healthy"}}
