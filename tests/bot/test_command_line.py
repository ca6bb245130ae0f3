"""The command line: exit codes and plain lines."""

import json
import os
import re
import signal
from pathlib import Path

import pytest

from simulation.bot_process import BotProcess
from simulation.discord import SimulatedDiscord
from tests.bot.conftest import StageFactory
from tests.bot.process import drop_database, run_command, until

LOG_LINE = re.compile(r"\d{4}-\d\d-\d\dT")
WRONG_USAGE = 2
COULD_NOT_START = 1


async def test_help_is_shown_when_asked_for() -> None:
    """``--help`` names the commands and ends with 0."""
    code, out, error = await run_command("--help")
    assert (code, error) == (0, "")
    assert all(word in out for word in ("usage: bot.py", "check", "rekey", "--lost", "--config"))


@pytest.mark.parametrize("arguments", [("--fast",), ("fly",)], ids=["option", "action"])
async def test_unknown_argument_is_wrong_usage(arguments: tuple[str, ...]) -> None:
    """Wrong usage ends with 2 and shows the right usage."""
    code, _, error = await run_command(*arguments)
    assert code == WRONG_USAGE
    assert "usage: bot.py" in error


async def test_missing_configuration_is_told_with_the_way_out(tmp_path: Path) -> None:
    """Without a configuration file, the error says how to make one."""
    code, out, error = await run_command("--config", str(tmp_path / "none.json"))
    assert (code, out, error.count("\n")) == (WRONG_USAGE, "", 1)
    assert "cp config.example.json" in error


async def test_every_problem_of_the_configuration_is_listed_at_once(tmp_path: Path) -> None:
    """Unknown keys and wrong types are named, one line each, and no value is shown."""
    path = tmp_path / "config.json"
    values = {"discord": {"tokn": "geheim-1"}, "polling": {"min_interval_seconds": "geheim-2"}, "data": 1}
    path.write_text(json.dumps(values), "utf-8")
    code, out, error = await run_command("--config", str(path))
    assert (code, out) == (WRONG_USAGE, "")
    assert sorted(line.split(" ")[0] for line in error.splitlines()) == [
        "data",
        "discord.tokn",
        "polling.min_interval_seconds",
    ]
    assert "geheim" not in error


async def test_broken_configuration_is_told_by_line_and_column(tmp_path: Path) -> None:
    """The error of an invalid JSON file has the line and column of the mistake."""
    path = tmp_path / "config.json"
    path.write_text('{"discord": }', "utf-8")
    code, _, error = await run_command("--config", str(path))
    assert (code, "line 1, column 13" in error) == (WRONG_USAGE, True)


async def test_wrong_token_ends_the_start_with_one_plain_line(tmp_path: Path, mongod_uri: str) -> None:
    """Discord's refusal of the token ends the start with one line, without the token and a traceback."""
    async with SimulatedDiscord() as world:
        bot = BotProcess(tmp_path, world, mongodb_uri=mongod_uri)
        bot.configure(discord={"token": "wrong-token-7a"})
        code, out, error = await run_command("--config", str(bot.config_path))
        drop_database(bot, mongod_uri)
    plain = [line for line in (out + error).splitlines() if not LOG_LINE.match(line)]
    assert (code, len(plain)) == (COULD_NOT_START, 1)
    assert "Discord refuses the token" in plain[0]
    assert "wrong-token-7a" not in out + error


async def test_second_bot_is_refused_when_the_data_folder_is_in_use(open_stage: StageFactory) -> None:
    """A data folder belongs to one bot; a second bot is refused, and the first goes on."""
    stage = await open_stage()
    await stage.bot.start()
    code, _, error = await run_command("--config", str(stage.bot.config_path))
    assert (code, error.count("\n")) == (COULD_NOT_START, 1)
    assert "Another bot is running" in error
    assert stage.bot.is_running
    assert not (await stage.ask("/help")).refusals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
@pytest.mark.parametrize("is_embedded", [False, True], ids=["configured", "embedded"])
async def test_bot_stops_cleanly_when_told_to(
    open_stage: StageFactory, number: signal.Signals, *, is_embedded: bool
) -> None:
    """The bot ends with 0 within seconds, stops its own mongod, and leaves no traceback."""
    stage = await open_stage(is_embedded=is_embedded)
    stage.open_files().append(*stage.take(20))
    await stage.bot.start()
    await stage.add_server("North")
    assert await stage.bot.stop(number) == 0
    if is_embedded:
        pid = stage.bot.read_mongod().pid
        await until(lambda: not Path(f"/proc/{pid}/cmdline").exists(), what="mongod was left behind")


@pytest.mark.fault
async def test_bot_ends_in_time_though_its_database_stands_still(open_stage: StageFactory) -> None:
    """If the bot cannot stop within ten seconds, it ends by force, with exit code 1 and a line about that."""
    stage = await open_stage(is_embedded=True)
    files = stage.open_files()
    files.append(*stage.take(5))
    await stage.bot.start()
    await stage.add_server()
    await stage.wait_for_deaths(5)
    os.kill(stage.bot.read_mongod().pid, signal.SIGSTOP)
    files.append(*stage.take(5))  # the storing of these does not end
    assert await stage.bot.stop() == COULD_NOT_START
    assert "the bot does not stop in time and is ended by force" in stage.bot.output


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
    assert (code, error, {mark for mark, *_ in steps}) == (0, "", {"ok"})
    assert {"Configuration", "Data folder", "MongoDB", "Indexes", "Commands", "Discord"} <= {
        name for _, name, _ in steps
    }
    assert (stage.world.gateway.identifies, stage.world.commands.writes) == (0, 0)


async def test_check_fails_when_the_bot_could_not_run(tmp_path: Path, mongod_uri: str) -> None:
    """``check`` reports a refused token, a missing database and a folder in use, and ends with 1."""
    async with SimulatedDiscord() as world:
        bot = BotProcess(tmp_path, world, mongodb_uri=mongod_uri)
        path = str(bot.config_path)
        bot.configure(discord={"token": "wrong-token-7a"})
        refused = await run_command("check", "--config", path)
        bot.configure(mongodb={"uri": "mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=200"})
        missing = await run_command("check", "--config", path)
        bot.configure()
        await bot.start()
        in_use = await run_command("check", "--config", path)
        assert await bot.stop() == 0
        drop_database(bot, mongod_uri)
    assert [result[0] for result in (refused, missing, in_use)] == [COULD_NOT_START] * 3
    assert "Discord refuses the token" in find_failure(refused[1])
    assert "MongoDB" in find_failure(missing[1])
    assert "Another bot is running" in find_failure(in_use[1])
    assert "wrong-token-7a" not in "".join(refused[1:])


async def test_secret_key_is_held_against_the_logins_and_changed(open_stage: StageFactory) -> None:
    """Without its key the bot does not start and makes no new key; ``rekey`` refuses while the bot runs."""
    stage = await open_stage()
    stage.open_files().append(*stage.take(5))
    config, key = ("--config", str(stage.bot.config_path)), stage.bot.data_dir / "secret.key"
    await stage.bot.start()
    await stage.add_server("North")
    code, out, error = await run_command("rekey", *config)
    assert (code, out, "Another bot is running" in error) == (COULD_NOT_START, "", True)
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


async def test_lost_belongs_to_rekey_alone() -> None:
    """``--lost`` has no effect without ``rekey``, so there it is wrong usage."""
    assert (await run_command("check", "--lost"))[0] == WRONG_USAGE


def find_failure(table: str) -> str:
    """Return the only failed line of a table."""
    [failed] = [line for line in table.splitlines() if line.startswith("FAIL")]
    return failed
