"""Faults of a game host and its files, as admins see them."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from simulation.bot_process import LOOK_SECONDS
from simulation.counting import count_rows
from simulation.discord import Interaction
from simulation.posts import expect_posts, read_posts
from simulation.traces import find_texts
from tests.bot.conftest import StageFactory
from tests.bot.process import until
from tests.bot.stage import Stage, get_fields
from tests.fakes.web_page import LONG_PAGE, serve_page

WRONG_PASSWORD = "pw-wrong-77"


@dataclass(frozen=True, slots=True)
class Mistake:
    """An admin's mistake, a part of the sentence that names it, and the buttons that mend it.

    ``password`` is the typed one, by default the right one. Without buttons there is no form either: the
    mistake is named before a password is typed.
    """

    options: Mapping[str, Any]
    sentence: str
    buttons: tuple[str, ...] = ()
    password: str | None = None
    private_key: str = ""


AGAIN = ("Try again",)
KEEP = ("Try again", "Save anyway")
MISTAKES = {
    "wrong password": Mistake({}, "refused the login", AGAIN, WRONG_PASSWORD),
    "wrong user": Mistake({"username": "stranger"}, "refused the login", AGAIN),
    "empty form": Mistake({}, "Fill in the password", AGAIN, ""),
    "broken key": Mistake({}, "isn't a private key", AGAIN, "", "not a key"),
    "unknown host": Mistake({"host": "nowhere.invalid"}, "no host named nowhere.invalid", AGAIN),
    "closed port": Mistake({"port": 9}, "nothing answers on that port", AGAIN),
    "no such number": Mistake({"number": 8}, "these server folders are there", ("7", *KEEP)),
    "path above the root": Mistake({"base_path": "../other"}, "“..”", KEEP),
    "path outside the root": Mistake({"base_path": "/etc"}, "no folder “etc”", KEEP),
    "host with a path": Mistake({"host": "127.0.0.1/logs"}, "is a name or an address"),
    "host with a password": Mistake({"host": "sftp://a:b@127.0.0.1"}, "Leave the password out"),
    "port of no host": Mistake({"host": "127.0.0.1:99999", "port": None}, "A port is a number"),
    "unknown zone": Mistake({"timezone": "Mars/Base"}, "isn't a time zone"),
    "zone by its offset": Mistake({"timezone": "UTC+2"}, "Europe/Athens"),
}


async def test_mistakes_are_named_when_a_server_is_added(stage: Stage) -> None:
    """Each mistake has its sentence and the buttons that mend it; nothing is stored or shown to others."""
    stage.open_files().append(*stage.take(5))
    stage.secrets += [WRONG_PASSWORD, "not a key"]
    said = {}
    for name, mistake in MISTAKES.items():
        password = stage.secrets[0] if mistake.password is None else mistake.password
        answer = await stage.fill_in_server(
            "North", password=password, private_key=mistake.private_key, **mistake.options
        )
        assert answer.is_ephemeral
        text = answer.embed["description"].replace("\\", "")
        said[name] = (mistake.sentence if mistake.sentence in text else text, list_buttons(answer))
    assert said == {name: (mistake.sentence, mistake.buttons) for name, mistake in MISTAKES.items()}
    assert stage.office.messages == []
    assert stage.read("game_servers") == []
    assert (await stage.ask("/admin server list")).embed["description"].startswith("No game server yet")
    await stage.add_server("North")


def list_buttons(answer: Interaction) -> tuple[str, ...]:
    """Return the labels of the buttons below an answer."""
    return tuple(item["label"] for row in answer.components for item in row["components"])


async def test_number_that_is_missing_is_chosen_by_its_button(stage: Stage) -> None:
    """The login leads to two game servers; a press goes on, and nothing is typed again."""
    for number in (7, 8):
        stage.open_files(number).append(*stage.take(number))
    asked = await stage.fill_in_server("North", number=None)
    assert list_buttons(asked) == ("7", "8", *KEEP)
    await asked.click("8")
    await asked.wait_until(lambda one: one.embed["title"] == "✅ North added")
    assert list_placeholders(asked) == ["Choose the killfeed channel"]
    end = await stage.wait_for_import("North")
    assert end.embed["description"].startswith("8 deaths in ")
    assert "No killfeed channel yet" in end.embed["description"]
    assert (stage.find_server()["number"], stage.count_deaths()) == (8, 8)
    channel = await asked.click("Choose the killfeed channel", stage.feed)
    await channel.wait_until(lambda one: bool(one.followups))
    live = stage.take(3)
    stage.open_files(8).append(*live)
    assert read_posts(await stage.wait_for_posts(len(live)))


def list_placeholders(answer: Interaction) -> list[str]:
    """Return the placeholders of the selects below an answer."""
    return [item["placeholder"] for row in answer.components for item in row["components"]]


async def test_saved_server_imports_its_history_when_its_logs_appear(stage: Stage) -> None:
    """The bot keeps the promise of **Save anyway**: the past is counted and not posted, later deaths are."""
    await stage.set_channel()
    asked = await stage.fill_in_server("North", number=9)
    assert list_buttons(asked) == KEEP
    await asked.click("Save anyway")
    await asked.wait_until(lambda one: one.embed["title"] == "✅ North saved")
    assert f"New kills appear in {stage.feed.mention}." in asked.embed["description"]
    files, history = stage.open_files(9), stage.take(40)
    files.append(*history)
    tested = await stage.ask("/admin server test", server="North")
    assert tested.embed["title"] == "✅ Everything works: North"
    end = await stage.wait_for_import("North")
    assert end.embed["description"].startswith("40 deaths in ")
    live = stage.take(4)
    files.append(*live)
    posts = await stage.wait_for_posts(len(live))
    assert read_posts(posts) == expect_posts(live, history)
    assert stage.read_counters() == count_rows([*history, *live]).summarise()


async def test_form_without_secret_is_refused_and_a_second_name_too(stage: Stage) -> None:
    """A login needs a password or a key. Two servers cannot have the same name."""
    stage.open_files().append(*stage.take(5))
    empty = await stage.fill_in_server("North", password="")
    assert "password or the private key" in empty.embed["description"]
    assert list_buttons(empty) == AGAIN
    await stage.add_server("North")
    again = await stage.fill_in_server("north")
    assert "Choose another name" in again.embed["description"]
    assert len(stage.read("game_servers")) == 1


async def test_host_is_not_read_when_its_key_changed(stage: Stage) -> None:
    """A changed key may mean another machine. The admins get one alert, and nothing is read."""
    files = stage.open_files()
    files.append(*stage.take(10))
    await stage.set_channel()
    await stage.add_server("North")
    await stage.host.change_host_key()
    files.append(*stage.take(3))
    [alert] = await stage.wait_for_alerts(1)
    assert "key" in alert
    status = await stage.ask("/killfeed status")
    [text] = get_fields(status.embed).values()
    assert text.startswith("Can't log in: ")
    tested = await stage.ask("/admin server test", server="North")
    assert "Couldn't connect" in tested.embed["title"]
    await asyncio.sleep(1)  # several polls would have happened
    assert (len(stage.list_alerts()), stage.count_deaths(), stage.posts) == (1, 10, [])


async def test_reading_goes_on_when_a_host_stalls_and_comes_back(open_stage: StageFactory) -> None:
    """A read without an answer ends at its limit. The status shows it, commands work, and nothing is lost."""
    stage = await open_stage()
    files, history = stage.open_files(), stage.take(20)
    files.append(*history)
    await stage.bot.start()
    await stage.set_channel()
    await stage.add_server("North")
    assert await stage.bot.stop() == 0
    # set only now, because a machine that stands still could have failed the test of the server; a busy one
    # must read a healthy host within it
    stage.bot.configure(sftp={"operation_timeout_seconds": 3})
    await stage.bot.start()
    stage.host.faults.stall_reads()
    live = stage.take(6)
    files.append(*live)
    await until(lambda: "didn't answer in time" in stage.bot.output, what=lambda: stage.bot.output)
    assert "didn't answer in time" in await read_status(stage, "Offline")
    stage.host.faults.clear()
    posts = await stage.wait_for_posts(len(live))
    assert read_posts(posts) == expect_posts(live, history)
    assert await stage.bot.stop() == 0


async def read_status(stage: Stage, state: str) -> str:
    """Return what the status says of the only server, as soon as it says a state."""
    while True:
        [text] = get_fields((await stage.ask("/killfeed status")).embed).values()
        if state in text:
            return text
        await asyncio.sleep(LOOK_SECONDS)


async def test_nothing_is_lost_when_connections_are_cut_while_reading(stage: Stage) -> None:
    """An import and a live read that are cut in the middle go on at the same position."""
    files, history = stage.open_files(), stage.take(3000)
    files.append(*history)
    await stage.set_channel()
    stage.host.faults.cut_after_bytes = 150_000
    answer = await stage.fill_in_server("North")
    assert answer.embed["title"] == "✅ North added", answer.embed
    await until(lambda: "game server is not read" in stage.bot.output, what=lambda: stage.bot.output)
    stage.host.faults.clear()
    await stage.wait_for_import("North")
    await read_status(stage, "Connected")  # after its next read, so that the next failure is a new one
    failures = stage.bot.output.count("game server is not read")
    live = stage.take(40)
    stage.host.faults.cut_after_bytes = 2000
    files.append(*live)
    await until(
        lambda: stage.bot.output.count("game server is not read") > failures, what=lambda: stage.bot.output
    )
    stage.host.faults.clear()
    posts = await stage.wait_for_posts(len(live))
    assert read_posts(posts) == expect_posts(live, history)
    assert stage.read_counters() == count_rows([*history, *live]).summarise()


async def test_outage_of_a_host_is_survived(stage: Stage) -> None:
    """Rows that are written while the host is away are posted when it is back."""
    files, history = stage.open_files(), stage.take(10)
    files.append(*history)
    await stage.set_channel()
    await stage.add_server("North")
    await stage.host.stop()
    live = stage.take(5)
    files.append(*live)
    await until(lambda: "game server is not read" in stage.bot.output, what=lambda: stage.bot.output)
    await stage.host.start()
    assert read_posts(await stage.wait_for_posts(len(live))) == expect_posts(live, history)


async def test_reading_goes_on_when_a_page_stood_in_the_place_of_a_host(stage: Stage) -> None:
    """The admins get one alert about the hoster's maintenance page. Afterwards reading goes on by itself."""
    files, history = stage.open_files(), stage.take(10)
    files.append(*history)
    await stage.set_channel()
    await stage.add_server("North")
    await stage.host.stop()
    async with serve_page(LONG_PAGE, port=stage.host.port):
        live = stage.take(5)
        files.append(*live)
        [alert] = await stage.wait_for_alerts(1)
        assert "not as an SSH server" in alert
        await asyncio.sleep(3)  # the bot tries again meanwhile
    await stage.host.start()
    assert read_posts(await stage.wait_for_posts(len(live))) == expect_posts(live, history)
    assert len(stage.list_alerts()) == 1


async def test_log_that_may_not_be_read_hides_no_other(stage: Stage) -> None:
    """The import and the polls skip an unreadable log.

    The status names it, and it is counted once it is readable.
    """
    files, history = stage.open_files(), stage.take(30)
    locked = files.restore(history[0].written_at - timedelta(days=1), *history[:10])
    files.append(*history[10:])
    stage.host.faults.denied_paths = {str(locked.relative_to(stage.host.root_folder))}
    await stage.set_channel()
    await stage.add_server("North")
    live = stage.take(5)
    files.append(*live)
    posts = await stage.wait_for_posts(len(live))
    assert read_posts(posts) == expect_posts(live, history[10:])
    [text] = get_fields((await stage.ask("/killfeed status")).embed).values()
    assert text.startswith("Connected")
    assert "isn't allowed to read" in text
    stage.host.faults.clear()
    await stage.wait_for_deaths(len(history) + len(live))
    assert stage.read_counters() == count_rows([*history, *live]).summarise()
    assert len(stage.posts) == len(live)


async def test_garbage_is_shown_to_admins_and_not_in_the_way(stage: Stage) -> None:
    """Unreadable lines are stored with their reason; a row of a megabyte is one of them."""
    files, rows = stage.open_files(), stage.take(20)
    files.append(*rows[:10])
    files.append_bytes(b"not a death\n;;;;;;;;;;\n\xff\xfe\x00garbage\n")
    await stage.set_channel()
    await stage.add_server("North")
    files.append_bytes(b"@everyone **x** " + b"x" * 1_000_000 + b"\n")
    files.append(*rows[10:])
    posts = await stage.wait_for_posts(10)
    assert read_posts(posts) == expect_posts(rows[10:], rows[:10])
    reply = await stage.ask("/admin server rejected", server="North")
    assert reply.embed["footer"]["text"] == "4 lines, none counted"
    assert "not a death" in reply.embed["description"]
    [text] = get_fields((await stage.ask("/killfeed status")).embed).values()
    assert "24 lines read · 4 rejected" in text


async def test_names_do_nothing_when_they_hold_markup_mentions_or_controls(stage: Stage) -> None:
    """A name is shown as its letters: it does not ping, format or break lines."""
    names = ["@everyone", "**bold** _it_", "<@1> <#2>", "a\u202eb\x07c", "https://x.y", "`code`", "# head"]
    files, history = stage.open_files(), stage.take(40)
    files.append(*history)
    await stage.set_channel()
    await stage.add_server("North")
    rows = [
        row._replace(killer_name=name)
        for name, row in zip(names, [row for row in stage.take(60) if row.kind.value == "kill"], strict=False)
    ]
    files.append(*rows)
    posts = await stage.wait_for_posts(len(rows))
    texts = [post["description"] for post in posts]
    assert max(text.count("\n") for text in texts) <= 2
    assert "@everyone" not in "".join(texts)
    assert not any(bad in text for text in texts for bad in ("<@1", "<#2", "\x07", "\u202e", "`code`"))
    choices = await stage.admin.autocomplete(stage.office, "/stats", "player", "everyone")
    assert [choice["value"] for choice in choices] == [rows[0].killer_id]
    reply = await stage.ask("/stats", player="@everyone")
    assert "@everyone" not in reply.embed["title"]


@pytest.mark.fault
async def test_password_stands_nowhere_in_plain(open_stage: StageFactory) -> None:
    """Neither the data folder with mongod's files, nor a document, log or request contains the password."""
    stage = await open_stage(is_embedded=True)
    stage.open_files().append(*stage.take(30))
    await stage.bot.start()
    await stage.add_server("North")
    await stage.fill_in_server("South", password=WRONG_PASSWORD)
    stage.secrets.append(WRONG_PASSWORD)
    with stage.open_database() as database:
        database.client.admin.command("fsync")  # so that data in memory is searched too
        documents = {
            name: repr(list(database[name].find())).encode() for name in database.list_collection_names()
        }
    assert await stage.bot.stop() == 0
    files = {str(path): path for path in stage.bot.data_dir.glob("**/*") if path.is_file()}
    texts = {name: path.read_bytes() for name, path in files.items()} | documents
    assert find_texts(texts, stage.secrets) == []
    assert {"game_servers", "kills", "players"} <= set(documents)
    modes = {name: path.stat().st_mode & 0o077 for name, path in files.items() if path.name == "secret.key"}
    assert list(modes.values()) == [0]
