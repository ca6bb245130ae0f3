"""The command line: exit codes and plain lines."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog

from bot import main
from simulation.bot_process import BotProcess
from simulation.discord import SimulatedDiscord
from simulation.starts import PROJECT, Starter, start_cold
from tests.bot.conftest import StageFactory
from tests.bot.process import _starters, drop_database, run_command, starting_by, until
from tests.fakes.systemd import FakeSystemd
from utils.checkup import INSTALLATION
from utils.commandline.arguments import CALLS
from utils.composition.start_checks import START_CHECKS

LOG_LINE = re.compile(r"\d{4}-\d\d-\d\dT")
WRONG_USAGE = 2
COULD_NOT_START = 1
HEALTH_SECONDS = 3.0  # the answer to /admin health while the database is away
GUILD_FIELDS = ["Database", "Discord", "Servers", "Queue", "Commands", "Last backup", "Troubles"]
OWNER_FIELDS = [
    *("Queue", "Commands", "Memory", "Event loop", "Disk", "Rate limits", "Data check"),
    *("Tasks", "Processes", "Errors", "Languages this month", "Troubles"),
]

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture(name="call")
def _call(capsys: pytest.CaptureFixture[str]) -> Iterator[Call]:
    """Run ``bot.py`` in this process, as far as its command line; return exit code and output.

    A process of its own takes 1.7 s of CPU, nearly all of it for imports.
    """
    before = sys.getswitchinterval()

    def call(*arguments: str) -> tuple[int, str, str]:
        try:
            code = main(list(arguments))
        except SystemExit as end:  # argparse ends like that
            code = int(end.code or 0)
        return code, *capsys.readouterr()

    yield call
    sys.setswitchinterval(before)
    structlog.reset_defaults()


async def test_help_is_shown_when_asked_for() -> None:
    """``--help`` names every call and ends with 0."""
    with starting_by(start_cold):
        code, out, error = await run_command("--help")
    assert (code, error, "usage: bot.py" in out) == (0, "", True)
    assert re.findall(r"^    (\w+)  +\w", out, re.MULTILINE) == [*CALLS]  # each with its help
    options = re.findall(r"^  (?:-h, )?(--\w+)(?: PATH)?  +\w", out, re.MULTILINE)
    assert options == ["--help", "--config", "--version"]


def test_calls_are_warm_again_after_a_cold_one(starter: Starter) -> None:
    """A cold call takes 1.7 s of CPU more, so only what asks for one may be cold."""
    with starting_by(start_cold):
        pass
    assert _starters == [start_cold, starter]


HEAVY = {
    *("aiohttp", "asyncssh", "babel", "bson", "cogs", "cryptography", "discord", "matplotlib", "motor"),
    *("numpy", "prometheus_client", "pymongo", "uvloop", "zstandard"),
}
LOADED = """
import contextlib, sys
import bot
with contextlib.suppress(SystemExit):
    bot.main(["--help"])
print("after help:", *{name.partition(".")[0] for name in sys.modules})
bot.main(["status", "--config", sys.argv[1]])
print("after status:", *{name.partition(".")[0] for name in sys.modules})
"""


def test_status_and_help_load_no_more_than_they_use(tmp_path: Path) -> None:
    """A health check runs every few seconds, so it must not cost what a start costs."""
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"discord": {"token": "x"}, "data_dir": str(tmp_path)}), "utf-8")
    command = (sys.executable, "-c", LOADED, str(config))
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)  # noqa: S603
    loaded = dict(line.split(":", 1) for line in done.stdout.splitlines() if line.startswith("after"))
    assert HEAVY.isdisjoint(loaded["after status"].split())
    assert {*HEAVY, "pydantic", "structlog"}.isdisjoint(loaded["after help"].split())


@pytest.mark.parametrize("name", CALLS)
def test_help_of_a_call_is_shown_when_asked_for(call: Call, name: str) -> None:
    """Each call says what it does, and takes the path of the configuration after its name."""
    code, out, error = call(name, "--help")
    assert (code, error, out.splitlines()[0].startswith(f"usage: bot.py {name} ")) == (0, "", True)
    assert f"{CALLS[name].purpose.capitalize()}." in " ".join(out.split())  # a long one is wrapped
    assert "--config PATH" in out
    assert callable(CALLS[name].load())


def test_configuration_is_named_before_or_after_the_call(call: Call, tmp_path: Path) -> None:
    """Both places of ``--config`` mean the same."""
    config = ("--config", str(tmp_path / "none.json"))
    before, after = call(*config, "check"), call("check", *config)
    assert (before[0], "none.json" in before[2], after) == (WRONG_USAGE, True, before)


def test_version_is_that_of_the_project(call: Call) -> None:
    """``--version`` shows the version in ``pyproject.toml`` and ends with 0, without a configuration."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]
    assert call("--version") == (0, f"killfeed-bot {project['version']}\n", "")


@pytest.mark.parametrize("arguments", [("--fast",), ("fly",)], ids=["option", "action"])
def test_unknown_argument_is_wrong_usage(call: Call, arguments: tuple[str, ...]) -> None:
    """Wrong usage ends with 2 and shows the right usage."""
    code, _, error = call(*arguments)
    assert code == WRONG_USAGE
    assert "usage: bot.py" in error


def test_missing_configuration_is_told_with_the_way_out(call: Call, tmp_path: Path) -> None:
    """Without a configuration file, the error says how to make one."""
    code, out, error = call("--config", str(tmp_path / "none.json"))
    assert (code, out, error.count("\n")) == (WRONG_USAGE, "", 1)
    assert "cp config.example.json" in error


def test_every_problem_of_the_configuration_is_listed_at_once(call: Call, tmp_path: Path) -> None:
    """Unknown keys and wrong types are named, one line each, and no value is shown."""
    path = tmp_path / "config.json"
    values = {"discord": {"tokn": "geheim-1"}, "polling": {"min_interval_seconds": "geheim-2"}, "data": 1}
    path.write_text(json.dumps(values), "utf-8")
    code, out, error = call("--config", str(path))
    assert (code, out) == (WRONG_USAGE, "")
    assert sorted(line.split(" ")[0] for line in error.splitlines()) == [
        "data",
        "discord.tokn",
        "polling.min_interval_seconds",
    ]
    assert "geheim" not in error


def test_broken_configuration_is_told_by_line_and_column(call: Call, tmp_path: Path) -> None:
    """The error of an invalid JSON file has the line and column of the mistake."""
    path = tmp_path / "config.json"
    path.write_text('{"discord": }', "utf-8")
    code, _, error = call("--config", str(path))
    assert (code, "line 1, column 13" in error) == (WRONG_USAGE, True)


async def test_wrong_token_ends_the_start_with_a_plain_line_after_its_report(
    tmp_path: Path, mongod_uri: str
) -> None:
    """After the report of the start, Discord's refusal is one line, without the token and a traceback."""
    async with SimulatedDiscord() as world:
        bot = BotProcess(tmp_path, world, mongodb_uri=mongod_uri)
        bot.configure(discord={"token": "wrong-token-7a"})
        code, out, error = await run_command("--config", str(bot.config_path))
        drop_database(bot, mongod_uri)
    plain = [line for line in (out + error).splitlines() if not LOG_LINE.match(line)]
    report, refusal = plain[:-1], plain[-1]
    assert (code, {line.split()[0] for line in report} <= {"ok", "warn"}) == (COULD_NOT_START, True)
    assert refusal.startswith("Discord refuses the token")
    assert "wrong-token-7a" not in out + error


async def test_empty_token_ends_the_start_before_anybody_is_asked(tmp_path: Path) -> None:
    """Without a token, the start ends at once with one line, and needs neither MongoDB nor Discord for it."""
    async with SimulatedDiscord() as world:
        bot = BotProcess(tmp_path, world, mongodb_uri="mongodb://127.0.0.1:9/")
        bot.configure(discord={"token": " "})
        code, out, error = await run_command("--config", str(bot.config_path))
        assert (code, out, error.count("\n"), world.requests) == (COULD_NOT_START, "", 1, [])
    assert error.startswith("discord.token is empty. Copy the token from")


@pytest.mark.parametrize(
    ("obstacle", "action"), [("", "check"), ("logs", "check"), ("logs", "rekey"), ("logs", None)]
)
async def test_unusable_data_folder_is_one_sentence(
    tmp_path: Path, obstacle: str, action: str | None
) -> None:
    """Each action ends with one sentence if a file is where the data folder or its logs should be."""
    folder = tmp_path / "data"
    place = folder / obstacle
    place.parent.mkdir(exist_ok=True)
    place.write_text("a file", "ascii")
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"data_dir": str(folder), "discord": {"token": "token-7a"}}), "utf-8")
    code, out, error = await run_command(*filter(None, [action]), "--config", str(path))
    lines = [line for line in (out + error).splitlines() if "The data folder" in line]
    assert (code, len(lines), "Traceback" in out + error) == (COULD_NOT_START, 1, False)
    assert lines[0].endswith(
        f"The data folder {folder} can't be used (File exists at {place}). "
        "Set data_dir to a folder that the bot's user may write to."
    )


async def test_second_bot_is_refused_when_the_data_folder_is_in_use(open_stage: StageFactory) -> None:
    """A data folder belongs to one bot; a second bot is refused, and the first goes on."""
    stage = await open_stage()
    await stage.bot.start()
    code, _, error = await run_command("--config", str(stage.bot.config_path))
    assert (code, error.count("\n")) == (COULD_NOT_START, 1)
    assert "Another bot, or a call" in error
    assert stage.bot.is_running
    assert not (await stage.ask("/help")).refusals


@pytest.mark.parametrize("starter", [start_cold], ids=["cold"])  # as a user starts it
@pytest.mark.parametrize(
    ("number", "is_embedded"),
    [(signal.SIGTERM, False), (signal.SIGINT, True)],
    ids=["SIGTERM, configured", "SIGINT, embedded"],
)
async def test_bot_stops_cleanly_when_told_to(
    open_stage: StageFactory,
    number: signal.Signals,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    is_embedded: bool,
) -> None:
    """The bot ends with 0 within seconds, stops its own mongod, leaves no traceback, and tells systemd."""
    systemd = FakeSystemd(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", str(systemd.path))
    monkeypatch.setenv("WATCHDOG_USEC", "60000000")
    stage = await open_stage(is_embedded=is_embedded)
    stage.open_files().append(*stage.take(20))
    await stage.bot.start()
    await stage.add_server("North")
    assert await stage.bot.stop(number) == 0
    told = [word for word in systemd.read() if not word.startswith("WATCHDOG=1")]
    systemd.close()
    assert told == ["READY=1\nSTATUS=connected to Discord", "STOPPING=1\nSTATUS=stopping"]
    if is_embedded:
        pid = stage.bot.read_mongod().pid
        await until(lambda: not Path(f"/proc/{pid}/cmdline").exists(), what="mongod was left behind")


async def test_status_is_well_while_a_bot_runs_and_ends_with_one_when_it_hangs_or_is_gone(
    open_stage: StageFactory, call: Call
) -> None:
    """A killed bot and a stopped one are told apart from one that hangs: its file is old."""
    stage = await open_stage()
    await stage.bot.start()
    arguments = ("status", "--config", str(stage.bot.config_path))
    code, out, _ = call(*arguments)
    assert (code, out.partition(":")[0]) == (0, "running")
    code, out, _ = call(*arguments, "--json")
    shown = json.loads(out)
    assert (code, shown["is_well"], shown["status"]["state"]) == (0, True, "running")
    report = {one["name"]: one["outcome"] for one in shown["status"]["startup"]}
    assert [*report] == ["MongoDB", "Data", "Indexes", "Data check", "Commands", *START_CHECKS]
    assert report["Write test"] == "ok"
    assert "startup report" in stage.bot.output
    code, out, error = await run_command("doctor", *arguments[1:])
    assert (code, error) == (0, "")
    assert {"Bot", "Unfinished", "Backups", "Disk", "Clock", "Secret key", "Errors", "Log"} <= {
        line[6:24].strip() for line in out.splitlines()
    }
    assert "It is running: version killfeed-bot" in out
    file = stage.bot.data_dir / "status" / "status.json"
    written = file.read_text("utf-8")
    await stage.bot.kill()
    code, out, _ = call(*arguments)
    assert (code, out.partition(":")[0]) == (1, "No bot")
    stage.bot.configure(mongodb={"uri": "mongodb://renter:geheim@127.0.0.1:9/"})
    code, out, error = await run_command("doctor", *arguments[1:])
    lines = out.splitlines()
    assert (code, error, "geheim" in out) == (1, "", False)
    assert [line[:24].rstrip() for line in lines if line.startswith("CRIT")] == [
        "CRIT  Bot",
        "CRIT  MongoDB",
    ]
    assert [line[:4] for line in lines] == sorted(
        (line[:4] for line in lines), key=["CRIT", "warn", "?   ", "ok  "].index
    )
    assert all("[docs/" in line for line in lines if not line.startswith("ok"))
    stage.bot.configure()
    old = json.loads(written) | {"written_at": "2026-01-01T00:00:00+00:00", "pid": os.getpid()}
    file.write_text(json.dumps(old), "utf-8")
    code, out, _ = call(*arguments)
    assert (code, out.partition(":")[0]) == (1, "The bot hangs")
    await stage.bot.start()
    await stage.bot.stop()
    assert json.loads(file.read_text("utf-8"))["state"] == "stopped"


@pytest.mark.fault
async def test_bot_ends_in_time_though_its_database_stands_still(open_stage: StageFactory) -> None:
    """Its owner still sees its health in time; a stop that takes too long ends by force, and says so."""
    stage = await open_stage(is_embedded=True)
    stage.bot.configure(discord={"owner_ids": [stage.admin.user.id]})
    files = stage.open_files()
    files.append(*stage.take(5))
    await stage.bot.start()
    await stage.add_server()
    await stage.wait_for_deaths(5)
    os.kill(stage.bot.read_mongod().pid, signal.SIGSTOP)
    files.append(*stage.take(5))  # the storing of these does not end
    asked_after = stage.world.clock.live()
    health = await stage.ask("/admin health")
    assert stage.world.clock.live() - asked_after < HEALTH_SECONDS
    guild, whole = health.answer.embeds
    assert [field["name"] for field in guild["fields"]] == GUILD_FIELDS
    assert [field["name"] for field in whole["fields"]] == OWNER_FIELDS
    unknown = [field["name"] for field in whole["fields"] if "isn't answering" in field["value"]]
    assert unknown == ["Processes", "Errors", "Languages this month"]
    assert await stage.bot.stop() == COULD_NOT_START
    assert "the bot does not stop in time and is ended by force" in stage.bot.output
    assert "Thread 0x" in (stage.bot.data_dir / "status" / "faults.log").read_text("utf-8")


async def test_bot_stops_cleanly_while_it_waits_as_standby(open_stage: StageFactory) -> None:
    """A second process over the same MongoDB waits for the lease, connects nowhere, and stops on a signal."""
    stage = await open_stage()
    await stage.bot.start()
    sessions = stage.world.gateway.identifies
    values = json.loads(stage.bot.config_path.read_text("utf-8"))
    values["data_dir"] = str(stage.bot.data_dir.with_name("other"))
    stage.bot.config_path.write_text(json.dumps(values), "utf-8")
    first = stage.bot._process
    await stage.bot.start(is_awaited=False)
    await until(lambda: "standby" in stage.bot.output, what=lambda: stage.bot.output)
    assert await stage.bot.stop() == 0
    assert stage.world.gateway.identifies == sessions
    stage.bot._process = first
    assert await stage.bot.stop() == 0


async def test_check_prints_a_table_when_everything_is_there(open_stage: StageFactory) -> None:
    """``check`` prints one line a step and ends with 0. It uses no gateway and registers no commands."""
    stage = await open_stage()
    stage.bot.config_path.chmod(0o644)
    _, told, _ = await run_command("check", "--config", str(stage.bot.config_path))
    assert f"chmod 600 {stage.bot.config_path}" in told
    stage.bot.config_path.chmod(0o600)
    stage.bot.data_dir.chmod(0o700)
    code, out, error = await run_command("check", "--config", str(stage.bot.config_path))
    steps = [re.split(r"  +", line, maxsplit=2) for line in out.splitlines()]
    assert (code, error) == (0, "")
    of_machine = {"Disk", "Backup places", "Alerts"}  # the machine of the tests, and its one disk
    assert {name for mark, name, _ in steps if mark != "ok"} <= of_machine
    assert [name for _, name, _ in steps] == ["Configuration", *INSTALLATION, "Discord"]
    assert (stage.world.gateway.identifies, stage.world.commands.writes) == (0, 0)


def test_signal_ends_a_look_with_one_line(call: Call, tmp_path: Path) -> None:
    """Ctrl-C while MongoDB keeps the doctor waiting ends it with 1, and the line says what stands."""
    with socket.create_server(("127.0.0.1", 0)) as mongod:

        def interrupt() -> None:
            with mongod.accept()[0]:
                os.kill(os.getpid(), signal.SIGINT)

        uri = f"mongodb://127.0.0.1:{mongod.getsockname()[1]}/"
        values = {"discord": {"token": "a.b.c"}, "mongodb": {"uri": uri}, "data_dir": str(tmp_path / "data")}
        config = tmp_path / "config.json"
        config.write_text(json.dumps(values), "utf-8")
        waiting = threading.Thread(target=interrupt)
        waiting.start()
        told = call("doctor", "--config", str(config))
        waiting.join()
    assert told == (1, "", "Stopped before the end. Nothing was changed.\n")


async def test_check_fails_when_the_bot_could_not_run(
    tmp_path: Path, mongod_uri: str, starter: Starter
) -> None:
    """``check`` reports a refused token, a missing database and a folder in use, and ends with 1."""
    async with SimulatedDiscord() as world:
        bot = BotProcess(tmp_path, world, mongodb_uri=mongod_uri, starter=starter)
        path = str(bot.config_path)
        bot.configure(discord={"token": "wrong-token-7a"})
        refused = await run_command("check", "--config", path)
        bot.configure(mongodb={"uri": "mongodb://renter:geheim@127.0.0.1:9/"})
        missing = await run_command("check", "--config", path)
        bot.configure()
        await bot.start()
        in_use = await run_command("check", "--config", path)
        assert await bot.stop() == 0
        drop_database(bot, mongod_uri)
    assert [result[0] for result in (refused, missing, in_use)] == [COULD_NOT_START] * 3
    assert "Discord refuses the token" in find_failure(refused[1])
    assert "MongoDB doesn't answer at 127.0.0.1:9. Start it, or correct mongodb.uri" in find_failure(
        missing[1]
    )
    assert "Another bot, or a call" in find_failure(in_use[1])
    assert "wrong-token-7a" not in "".join(refused[1:])
    assert "geheim" not in "".join(missing[1:])
    unchecked = ["?"] * (len(INSTALLATION) - 1)
    assert list_marks(missing[1]) == ["ok", "ok", "FAIL", *unchecked[1:], "ok"]
    assert list_marks(in_use[1]) == ["ok", "FAIL", *unchecked, "ok"]


async def test_check_does_not_call_a_token_good_that_nobody_saw(tmp_path: Path) -> None:
    """A check reports an empty token without any request; while Discord is away, the token is unchecked."""
    async with SimulatedDiscord() as world:
        bot = BotProcess(tmp_path, world, mongodb_uri="mongodb://")
        bot.configure(discord={"token": ""})
        empty = await run_command("check", "--config", str(bot.config_path))
        assert world.requests == []
        bot.configure(discord={"token": world.token})
        async with world.outage():
            away = await run_command("check", "--config", str(bot.config_path))
    assert (list_marks(empty[1])[-1], list_marks(away[1])[-1]) == ("FAIL", "?")
    assert "discord.token is empty" in empty[1]
    assert "not reached, so the token is not checked" in away[1]


async def test_secret_key_is_held_against_the_logins_and_changed(open_stage: StageFactory) -> None:
    """Without its key the bot does not start and makes no new key; ``rekey`` refuses while the bot runs."""
    stage = await open_stage()
    stage.open_files().append(*stage.take(5))
    config, key = ("--config", str(stage.bot.config_path)), stage.bot.data_dir / "secret.key"
    await stage.bot.start()
    await stage.add_server("North")
    code, out, error = await run_command("rekey", *config)
    assert (code, out, "Another bot, or a call" in error) == (COULD_NOT_START, "", True)
    assert await stage.bot.stop() == 0
    hidden = key.rename(key.with_name("hidden"))
    for arguments, place in ((config, 2), (("check", *config), 1)):
        told = await run_command(*arguments)
        lines = [line for line in told[place].splitlines() if "The secret key is gone" in line]
        assert (told[0], len(lines), key.exists()) == (COULD_NOT_START, 1, False)
    former = hidden.rename(key).read_text("ascii")
    code, out, error = await run_command("rekey", *config)
    assert (code, error) == (0, "")
    assert out.startswith("1 login can be read with the new secret key. It is in data/secret.key.")
    assert key.read_text("ascii") != former
    assert "fits the stored logins" in (await run_command("check", *config))[1]
    await stage.bot.start()
    rows = stage.take(2)
    stage.open_files().append(*rows)
    await stage.wait_for_deaths(7)


def test_lost_belongs_to_rekey_alone(call: Call) -> None:
    """``--lost`` has no effect without ``rekey``, so there it is wrong usage."""
    assert call("check", "--lost")[0] == WRONG_USAGE


def list_marks(table: str) -> list[str]:
    """Return the marks of a table, without the warnings."""
    return [mark for line in table.splitlines() if (mark := line.split()[0]) != "warn"]


def find_failure(table: str) -> str:
    """Return the only failed line of a table."""
    [failed] = [line for line in table.splitlines() if line.startswith("FAIL")]
    return failed
