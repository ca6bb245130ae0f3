"""Game hosts that go away, refuse logins and come back: reported, found again, in order."""

import asyncio

import pytest

from simulation.discord import Fault
from simulation.game_host.host import GameHost, HostUser
from simulation.posts import expect_posts, read_posts
from simulation.town import USERNAME
from tests.bot.conftest import StageFactory
from tests.bot.process import PATIENCE_SECONDS, until
from tests.bot.stage import Stage, get_fields


async def read_status(stage: Stage) -> dict[str, str]:
    """Return the text of ``/killfeed status`` for each server, by name without its mark."""
    answer = await stage.ask("/killfeed status")
    return {name.split(" ", 1)[1]: text for name, text in get_fields(answer.embed).items()}


async def wait_for_status(stage: Stage, part: str, *, server: str = "") -> dict[str, str]:
    """Wait until the status of each server, or of one, contains the text, and return all of it.

    Raises:
        TimeoutError: it does not; the text is the last status.
    """
    texts: dict[str, str] = {}
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                texts = await read_status(stage)
                if all(part in text for name, text in texts.items() if server in name):
                    return texts
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise TimeoutError(f"{texts}") from None


async def test_what_was_written_while_a_host_was_away_is_posted_in_order_when_it_is_back(
    stage: Stage,
) -> None:
    """Sockets are cut and the port is closed.

    The bot makes one try at a time, logs one line, then posts everything.
    """
    files, history = stage.open_files(), stage.take(10)
    files.append(*history)
    await stage.set_channel()
    await stage.add_server("North")
    stage.open_files(8).append(*stage.take(1))
    await stage.add_server("South", number=8)
    live = stage.take(60)
    files.append(*live[:20])
    await stage.wait_for_posts(20)
    stage.host.cut_connections()
    await stage.host.stop()
    for row in live[20:]:
        files.append(row)
    texts = await wait_for_status(stage, "can't reach")
    assert all(text.startswith("Offline, retrying ") for text in texts.values()), texts
    told = stage.bot.output.count("game server is not read")
    await asyncio.sleep(3)  # several tries happen
    assert stage.bot.output.count("game server is not read") == told
    assert stage.bot.output.count("connecting stops") == 1
    await stage.host.start()
    posts = await stage.wait_for_posts(60)  # within 30 seconds: tests/utils/sftp/test_storm.py
    assert read_posts(posts) == expect_posts(live, history)
    assert stage.list_alerts() == []
    await wait_for_status(stage, "Connected")  # the second server has its turn after the first
    status = await stage.ask("/killfeed status")
    assert status.embed["footer"]["text"] == "Connections to game hosts: 1 of 25 open"


async def test_refused_login_is_tried_once_for_all_its_servers_and_again_after_an_edit(stage: Stage) -> None:
    """After a changed password there is one try and one alert for both servers, until an admin edits it."""
    files, history = stage.open_files(), stage.take(10)
    files.append(*history)
    stage.open_files(8).append(*stage.take(1))
    await stage.set_channel()
    await stage.add_server("North")
    await stage.add_server("South", number=8)
    stage.secrets.append("pw-of-tomorrow-3c")
    stage.host.users[USERNAME] = HostUser(password="pw-of-tomorrow-3c")
    opened = stage.host.connections_opened
    stage.host.cut_connections()
    [alert] = await stage.wait_for_alerts(1)
    assert alert.startswith("**North, South**: ")
    assert "refused the login" in alert
    await wait_for_status(stage, "refused the login")
    live = stage.take(6)
    files.append(*live)
    await asyncio.sleep(1.5)  # several polls would have happened
    assert stage.host.connections_opened == opened + 1
    assert (len(stage.list_alerts()), stage.posts) == (1, [])
    assert all(text.startswith("Can't log in: ") for text in (await read_status(stage)).values())
    reply = await stage.admin.invoke(stage.office, "/admin server edit", server="North", new_password=True)
    await reply.wait()
    answer = await reply.submit_modal({"Password": "pw-of-tomorrow-3c"})
    await answer.wait()
    assert read_posts(await stage.wait_for_posts(6)) == expect_posts(live, history)
    assert "refused" in (await read_status(stage))["South"]


@pytest.mark.filterwarnings("ignore:Diffie-Hellman over finite fields")
async def test_old_server_is_explained_and_read_with_legacy(stage: Stage) -> None:
    """The answer names the option ``legacy``; with it the server works.

    A server that becomes old later has it in its status.
    """
    stage.open_files().append(*stage.take(5))
    stage.open_files(8).append(*stage.take(5))
    await stage.set_channel()
    await stage.add_server("North")
    address, port = stage.host.address, stage.host.port
    await stage.host.stop()
    async with GameHost(stage.host.root_folder, {USERNAME: stage.secrets[0]}, is_legacy=True, port=port):
        added = await stage.fill_in_server("South", number=8)
        assert "Couldn't" in added.embed["title"]
        # a host that closes before the bot reads its algorithms gets the same advice
        told = added.embed["description"].replace("\\", "")
        assert (f"{address}:{port}" in told, "legacy:True" in told) == (True, True)
        [alert] = await stage.wait_for_alerts(1)
        assert "`legacy:True`" in alert
        north = (await read_status(stage))["North"].replace("\\", "")
        assert "Can't log in: " in north
        assert "only has old SSH encryption" in north
        await stage.add_server("South", number=8, legacy=True)
        await wait_for_status(stage, "Connected", server="South")


async def test_guild_that_the_bot_leaves_holds_no_connection(stage: Stage) -> None:
    """Its sockets are closed at once, and the bot contacts no host of the guild, even after a restart."""
    stage.open_files().append(*stage.take(5))
    await stage.set_channel()
    await stage.add_server("North")
    await stage.host.wait_for_connections(1)
    opened = stage.host.connections_opened
    stage.world.remove_bot(stage.guild)
    await asyncio.wait_for(stage.host.wait_for_connections(0), 60)
    await asyncio.sleep(1)  # several polls would have happened
    assert (stage.host.connections, stage.host.connections_opened) == (0, opened)
    assert await stage.bot.stop() == 0, stage.bot.output
    ready = stage.bot.output.count("ready")
    await stage.bot.start()
    await until(lambda: stage.bot.output.count("ready") > ready)
    assert stage.host.connections_opened == opened


@pytest.mark.fault
async def test_bot_stops_in_time_while_a_host_holds_its_handshakes_up(open_stage: StageFactory) -> None:
    """A host that stalls after the key exchange does not delay a stop."""
    stage = await open_stage()
    stage.open_files().append(*stage.take(5))
    await stage.bot.start()
    await stage.set_channel()
    await stage.add_server("North")
    stage.host.faults.slow_login_seconds = 60
    stage.host.cut_connections()
    await stage.host.wait_for_connections(0)
    await stage.host.wait_for_connections(1)
    began = stage.world.clock.live()
    assert await stage.bot.stop() == 0, stage.bot.output
    assert stage.world.clock.live() - began < 10
    stage.host.faults.clear()


@pytest.mark.fault
async def test_end_of_an_import_is_shown_though_discord_limits_everything_just_then(
    open_stage: StageFactory,
) -> None:
    """A limit of Discord's edge delays the last picture, and never loses it."""
    stage = await open_stage()
    stage.open_files().append(*stage.take(20))
    await stage.bot.start()
    edit = "/channels/{channel_id}/messages/{message_id}"
    limit = stage.world.faults.add(
        Fault(method="PATCH", route=edit, status=429, body="error code: 1015", times=3)
    )
    await stage.add_server()
    assert limit.is_spent
