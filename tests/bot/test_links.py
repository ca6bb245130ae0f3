"""Links: a member claims a player, and proves it in the game."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from simulation.discord import Fault, Interaction, Permission
from simulation.game_host.log_files import GameServerFiles, render_row
from tests.bot.conftest import StageFactory
from tests.bot.game_log import GameLogWriter
from tests.bot.process import until
from tests.bot.stage import Stage
from utils.models.deaths import DeathKind, DeathRow

MESSAGES = "/channels/{channel_id}/messages"
MESSAGE = f"{MESSAGES}/{{message_id}}"
INTERACTION_SECONDS = 16 * 60  # longer than an interaction's token is valid


def read_windows(reply: Interaction) -> list[tuple[datetime, datetime]]:
    """Return the two windows in an answer."""
    found = re.findall(r"<t:(\d+):t> to <t:(\d+):t>", reply.embed["description"])
    windows = [tuple(datetime.fromtimestamp(int(one), UTC) for one in pair) for pair in found]
    return [(start, end) for start, end in windows]


def list_victims(rows: Sequence[DeathRow], count: int) -> list[DeathRow]:
    """Return one row for each of the first ``count`` players who died."""
    by_id = {row.victim_id: row for row in rows}
    return list(by_id.values())[:count]


def die(files: GameServerFiles, player: DeathRow, at: datetime) -> None:
    """Let a player commit suicide by the menu; the game writes it with that time."""
    row = player._replace(
        written_at=at.replace(tzinfo=None),
        kind=DeathKind.MENU,
        killer_id=player.victim_id,
        killer_name=player.victim_name,
        killer_platform=player.victim_platform,
        weapon="suicide_by_relocation",
        distance=0,
    )
    files.append_bytes(render_row(row).encode() + b"\n")


async def wait_for_title(stage: Stage, reply: Interaction, title: str) -> None:
    """Wait until an answer has another title."""

    def is_shown() -> bool:
        return reply.message is not None and reply.message.embed["title"] == title

    await until(is_shown, what=lambda: f"{reply.embed}\n{stage.bot.output}")


async def ask_at_different_times(
    stage: Stage, players: list[DeathRow]
) -> tuple[DeathRow, Interaction, Interaction]:
    """Let two members ask for one player after another, until they get different times.

    The bot draws the times at random. With equal times the same suicides would prove both requests, and so
    neither.
    """
    for player in players:
        asked = await stage.ask("/link", by=stage.player, player=player.victim_id)
        other = await stage.ask("/link", by=stage.admin, player=player.victim_id)
        if read_windows(asked) != read_windows(other):
            return player, asked, other
    raise AssertionError("the times are never different")


def choose_moments(asked: Interaction, other: Interaction) -> list[datetime]:
    """Return a moment in each window of one request, outside the other's windows if they differ."""
    return [
        start if not start_of_other <= start <= end_of_other else end - timedelta(seconds=1)
        for (start, end), (start_of_other, end_of_other) in zip(
            read_windows(asked), read_windows(other), strict=True
        )
    ]


async def list_links(stage: Stage) -> list[str]:
    """Return the lines of ``/links`` about the player's links, without the times."""
    reply = await stage.ask("/links", by=stage.player)
    assert not reply.is_ephemeral
    lines = reply.embed["description"].splitlines()[1:]
    return [re.sub(r"\\(.)", r"\1", line).rsplit(" · ", 1)[0].replace("*", "") for line in lines]


async def test_link_is_proven_by_two_menu_suicides_with_a_restart_in_between(stage: Stage) -> None:
    """One suicide in each window, by the log's time, proves a link.

    The answer shows it after its token expired.
    """
    rows, files = stage.take(60), stage.open_files()
    files.append(*rows)
    await stage.add_server("North")
    [wolf, bear] = list_victims(rows, 2)
    asked = await stage.ask("/link", by=stage.player, player=wolf.victim_id)
    first, second = read_windows(asked)
    now = datetime.fromtimestamp(stage.world.clock.now(), UTC)
    assert (asked.is_ephemeral, asked.embed["title"]) == (False, "⏳ Prove it's you")
    assert [end - start for start, end in (first, second)] == [timedelta(minutes=2)] * 2
    assert second[0] - first[1] >= timedelta(minutes=6)
    assert now < first[0] < second[1] < now + timedelta(minutes=20)

    die(files, wolf, first[0] - timedelta(seconds=1))
    die(files, bear, first[0])
    die(files, bear, second[0])
    die(files, wolf, first[0] + timedelta(seconds=30))
    await stage.wait_for_deaths(64)
    assert await list_links(stage) == [f"⏳ {wolf.victim_name}"]
    await until(lambda: "**1 of 2 seen**" in asked.embed["description"], what=lambda: str(asked.embed))
    await stage.bot.kill()
    die(files, wolf, second[1])
    stage.world.clock.advance(INTERACTION_SECONDS)
    await stage.bot.start()
    await wait_for_title(stage, asked, "✅ Linked and proven")
    told = f"{stage.player.mention} ✅ Linked and proven: **"
    await until(lambda: told in stage.office.messages[-1].content, what=lambda: stage.bot.output)
    assert await list_links(stage) == [f"✅ {wolf.victim_name} · main"]
    assert wolf.victim_id not in repr([message.embeds for message in stage.office.messages])


async def test_history_proves_nothing_and_live_deaths_do(stage: Stage) -> None:
    """A server is added after the times were named. Suicides that only an import read prove nothing."""
    rows, south = stage.take(60), stage.open_files(2)
    stage.open_files(1).append(*rows)
    await stage.add_server("North", number=1)
    [wolf] = list_victims(rows, 1)
    asked = await stage.ask("/link", by=stage.player, player=wolf.victim_name)
    first, second = read_windows(asked)
    south.append(rows[0])
    die(south, wolf, first[0])
    die(south, wolf, second[0])
    await stage.add_server("South", number=2)
    die(south, wolf, first[0] + timedelta(seconds=5))
    await stage.wait_for_deaths(4, "South")
    assert await list_links(stage) == [f"⏳ {wolf.victim_name}"]
    die(south, wolf, second[0] + timedelta(seconds=5))
    await wait_for_title(stage, asked, "✅ Linked and proven")


async def test_first_to_prove_has_the_player_and_the_others_are_told(stage: Stage) -> None:
    """Several members may ask; the first proof wins.

    An admin ends a link by hand, and the player is free again.
    """
    rows, files = stage.take(60), stage.open_files()
    files.append(*rows)
    await stage.add_server("North")
    wolf, asked, other = await ask_at_different_times(stage, list_victims(rows, 4))
    for moment in choose_moments(asked, other):
        die(files, wolf, moment)
    await wait_for_title(stage, asked, "✅ Linked and proven")
    await wait_for_title(stage, other, "❌ Someone else proved it first")
    refused = await stage.ask("/link", by=stage.admin, player=wolf.victim_id)
    assert (refused.is_ephemeral, "already linked to someone else" in refused.embed["description"]) == (
        True,
        True,
    )

    offered = await stage.admin.autocomplete(
        stage.office, "/admin link remove", "player", "", member=stage.player
    )
    assert offered == [{"name": wolf.victim_name, "value": wolf.victim_id}]
    removed = await stage.ask("/admin link remove", member=stage.player, player=wolf.victim_id)
    assert (removed.is_ephemeral, removed.embed["title"]) == (True, "✅ Unlinked")
    confirmed = await stage.ask("/admin link confirm", member=stage.admin, player=wolf.victim_id)
    assert (confirmed.is_ephemeral, confirmed.embed["title"]) == (True, "✅ Link confirmed")
    actions = [entry["action"] for entry in stage.read("audit")]
    assert actions[-2:] == ["link remove", "link confirm"]


@pytest.mark.fault
async def test_nothing_about_a_request_is_lost_when_the_bot_is_killed(stage: Stage) -> None:
    """It was killed before Discord heard that one was refused, that two fit equally, and of a new one."""
    rows, files, world = stage.take(60), stage.open_files(), stage.world
    files.append(*rows)
    alerts, other = world.create_channel(stage.guild, "alerts"), world.add_member(stage.guild, "other")
    await stage.set_channel("alerts", alerts)
    await stage.add_server("North")
    wolf, bear, fox = list_victims(rows, 3)
    refused = await stage.ask("/link", by=stage.player, player=wolf.victim_id)
    [request] = await world.wait_for_messages(alerts, 1)
    mine = await stage.ask("/link", by=stage.player, player=bear.victim_id)
    theirs = await stage.ask("/link", by=other, player=bear.victim_id)
    await world.wait_for_messages(alerts, 3)
    with stage.open_database() as database:
        same = {"player_id": bear.victim_id}
        windows = database["links"].find_one({**same, "member_id": stage.player.id})["windows"]
        database["links"].update_many(same, {"$set": {"windows": windows}})

    for method, route in (("PATCH", MESSAGE), ("POST", MESSAGES)):
        world.faults.add(Fault(method=method, route=route, cut="before", times=None))
    await (await stage.admin.press(request, "Refuse")).wait()
    for start, _ in read_windows(mine):
        die(files, bear, start)
    await until(lambda: len(stage.read("links", state="over")) == 3, what=lambda: stage.bot.output)
    await stage.ask("/link", by=stage.player, player=fox.victim_id)
    await stage.bot.kill()
    world.faults.clear()
    await stage.bot.start()

    await wait_for_title(stage, refused, "❌ Refused by an admin")
    for reply in (mine, theirs):
        await wait_for_title(stage, reply, "❌ Two requests, one player")
    await until(lambda: stage.read("links", state="over") == [], what=lambda: stage.bot.output)
    await until(lambda: [one["untold"] for one in stage.read("links")] == [0], what=lambda: stage.bot.output)
    told = [message for message in stage.office.messages if " ❌ " in message.content]
    assert sorted(str((message.reference or {})["message_id"]) for message in told) == sorted(
        str(reply.answer.id) for reply in (refused, mine, theirs)
    )
    *_, new = alerts.messages
    assert (len(alerts.messages), fox.victim_name in new.embed["description"].replace("\\", "")) == (4, True)
    assert [button["label"] for button in new.interactive_components] == ["Confirm", "Refuse"]


async def test_links_are_ended_by_their_member_alone_and_one_by_one_or_all(
    open_stage: StageFactory,
) -> None:
    """Without ``links.require_proof`` a link counts at once; the oldest alt becomes the main."""
    stage = await open_stage()
    stage.bot.configure(links={"require_proof": False})
    await stage.bot.start()
    rows = stage.take(80)
    stage.open_files().append(*rows)
    await stage.add_server("North")
    players = list_victims(rows, 6)
    names = [player.victim_name for player in players]
    nothing = await stage.ask("/unlink", by=stage.player)
    assert nothing.embed["description"] == "You have no linked players."
    for player in players[:5]:
        linked = await stage.ask("/link", by=stage.player, player=player.victim_id)
        assert linked.embed["title"] == "✅ Linked and proven"
    assert linked.embed["footer"]["text"] == "5 of 5 links used"
    full = await stage.ask("/link", by=stage.player, player=players[5].victim_id)
    assert "You've used all 5 links, requests included" in full.embed["description"]

    offered = await stage.player.autocomplete(stage.office, "/unlink", "player", "")
    assert [choice["name"] for choice in offered] == names[:5]
    ended = await stage.ask("/unlink", by=stage.player, player=players[0].victim_id)
    assert (ended.is_ephemeral, ended.embed["title"]) == (True, "✅ Unlinked")
    assert await list_links(stage) == [
        f"✅ {names[1]} · main",
        *(f"✅ {name} · alt" for name in names[2:5]),
    ]
    kept = await stage.ask("/unlink", by=stage.player)
    await kept.click("Cancel")
    await kept.wait_until(lambda one: one.embed["title"] == "Cancelled")
    gone = await stage.ask("/unlink", by=stage.player)
    await gone.click("Unlink")
    await gone.wait_until(lambda one: one.embed["title"] == "✅ Unlinked")
    of_player = await stage.ask("/links", member=stage.player)
    assert "hasn't linked a player yet" in of_player.embed["description"]
    assert await stage.bot.stop() == 0


async def test_request_says_so_where_the_bot_does_not_see_the_channel(stage: Stage) -> None:
    """The request says that its message cannot change later; the link can be proven anyway."""
    rows, files = stage.take(60), stage.open_files()
    files.append(*rows)
    await stage.add_server("North")
    [wolf] = list_victims(rows, 1)
    stage.world.set_overwrite(stage.office, stage.guild.bot, deny=Permission.VIEW_CHANNEL)
    asked = await stage.ask("/link", by=stage.player, player=wolf.victim_id)
    assert "I'm missing View Channel" in asked.embed["description"]
    for start, _ in read_windows(asked):
        die(files, wolf, start)
    await until(lambda: [link["state"] for link in stage.read("links")] == ["proven"])
    assert await list_links(stage) == [f"✅ {wolf.victim_name} · main"]


async def test_message_of_a_request_says_so_when_its_member_ends_it(stage: Stage) -> None:
    """If the member asks again, the older message refers to the newer one."""
    rows = stage.take(60)
    stage.open_files().append(*rows)
    await stage.add_server("North")
    [wolf] = list_victims(rows, 1)
    first = await stage.ask("/link", by=stage.player, player=wolf.victim_id)
    assert read_windows(first) != []  # before it is asked again, which changes it
    again = await stage.ask("/link", by=stage.player, player=wolf.victim_id)
    assert read_windows(again) != []
    await wait_for_title(stage, first, "⏸️ Asked again")
    await stage.ask("/unlink", by=stage.player, player=wolf.victim_name)
    await wait_for_title(stage, again, "⏸️ Link ended")


async def test_leaving_the_server_is_a_sign_while_its_log_is_well(stage: Stage) -> None:
    """A player leaves in the first window and respawns in the second; the bot is killed between the two."""
    log, files = GameLogWriter(stage), stage.open_files()
    rows = stage.take(60)
    files.append(*rows)
    [wolf] = list_victims(rows, 1)
    log.join("Ghost", ago=timedelta(hours=1))
    await stage.add_server("North")
    await until(lambda: bool(stage.read("presence")), what=lambda: stage.bot.output)
    asked = await stage.ask("/link", by=stage.player, player=wolf.victim_id)
    assert "Or leave the game server in a window" in asked.embed["description"]
    first, second = read_windows(asked)
    log.come_and_go(wolf.victim_name, wolf.victim_id, left_at=first[0] + timedelta(seconds=5))
    await until(lambda: len(stage.read("sessions", player_id=wolf.victim_id)) == 1)
    await until(lambda: "**1 of 2 seen**" in asked.embed["description"], what=lambda: stage.bot.output)
    await stage.bot.kill()
    await stage.bot.start()
    die(files, wolf, second[0] + timedelta(seconds=5))
    await wait_for_title(stage, asked, "✅ Linked and proven")
