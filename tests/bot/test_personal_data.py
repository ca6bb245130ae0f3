"""The stored data of a person: exported completely, and deleted at their request."""

import csv
import io
import json
import zipfile
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from simulation.counting import count_rows
from simulation.discord import Interaction
from simulation.game_host.log_files import GameServerFiles
from tests.bot.conftest import StageFactory
from tests.bot.process import until
from tests.bot.stage import Stage, get_fields
from utils.database.documents.audit_documents import AUDIT
from utils.embeds.audit_wording import describe_facts
from utils.models.deaths import DeathRow
from utils.models.scope import ERASED_NAME, ERASED_PLAYER_ID

Moment = tuple[str, str, str, str, str]


@pytest.fixture(name="linked")
async def _linked(open_stage: StageFactory) -> tuple[Stage, GameServerFiles, list[DeathRow], DeathRow]:
    """The best killer of a history of 300 deaths: a member's proven player, with one more live kill."""
    stage = await open_stage()
    stage.bot.configure(links={"require_proof": False})
    await stage.bot.start()
    rows, files = stage.take(300), stage.open_files()
    files.append(*rows)
    await stage.set_channel()
    await stage.add_server("North")
    count = count_rows(rows)
    best = max(count.players, key=lambda player_id: count.players[player_id].kills)
    kill = next(row for row in rows if row.killer_id == best != row.victim_id)
    await stage.ask("/admin link confirm", member=stage.player, player=best)
    rows.append(kill._replace(written_at=rows[-1].written_at + timedelta(seconds=5)))
    files.append(rows[-1])
    await stage.wait_for_posts(1)
    return stage, files, rows, rows[-1]


def read_archive(reply: Interaction) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """Return the content of an export's file: the data, and the rows of deaths."""
    assert reply.message is not None
    [attachment] = reply.message.attachments
    with zipfile.ZipFile(io.BytesIO(attachment.data)) as archive:
        rows = csv.DictReader(io.StringIO(archive.read("kills.csv").decode()))
        return json.loads(archive.read("data.json")), list(rows)


def list_moments(rows: Sequence[DeathRow], player_id: str | None) -> list[Moment]:
    """Return a player's deaths as a log contains them."""
    own = [row for row in rows if player_id in (row.killer_id, row.victim_id)]
    return sorted(
        (str(row.written_at), row.killer_name, row.victim_name, row.weapon, str(row.distance)) for row in own
    )


async def test_export_holds_what_the_logs_and_the_wallet_say(
    linked: tuple[Stage, GameServerFiles, list[DeathRow], DeathRow],
) -> None:
    """The export has every death once, the counted figures and the ledger, and no ids of others."""
    stage, _, rows, last = linked
    reply = await stage.ask("/data export", by=stage.player)
    data, deaths = read_archive(reply)
    assert (reply.is_ephemeral, str(last.killer_id) in str(reply.embed)) == (True, False)
    told = [
        (one["written_at"], one["killer_name"], one["victim_name"], one["weapon"], one["distance"])
        for one in deaths
    ]
    assert sorted(told) == list_moments(rows, last.killer_id)
    assert {one["killer_id"] for one in deaths} | {one["victim_id"] for one in deaths} == {"", last.killer_id}
    [player] = data["players"]
    [place] = player["servers"]
    [figures] = place["figures"]
    expected = count_rows(rows).summarise()[str(last.killer_id)]
    assert figures["counters"] | {"current_streak": figures["current_streak"]} == expected
    days = [day for month in place["days"] for day in month["days"]]
    assert sum(day["kills"] for day in days) == expected["kills"]
    assert [link["player_name"] for link in data["links"]] == [last.killer_name]
    [earned] = data["ledger"]
    assert (earned["amount"], data["wallet"][0]["balance"]) == (earned["balance"], earned["balance"])
    others = {row.victim_id for row in rows} - {last.killer_id}
    assert [one for one in others if one in json.dumps(data)] == []
    refused = await stage.ask("/data export", by=stage.player, player=last.victim_name)
    assert "isn't proven to be yours" in refused.embed["description"].replace("\\", "")


async def test_erased_person_is_nowhere_and_reading_again_brings_nothing_back(
    linked: tuple[Stage, GameServerFiles, list[DeathRow], DeathRow],
) -> None:
    """The deaths of others still count; a player who plays on after the erasure starts at zero."""
    stage, files, rows, last = linked
    before = get_fields((await stage.ask("/stats", player=last.victim_id)).embed)
    asked = await stage.ask("/data erase", by=stage.player)
    assert asked.is_ephemeral
    await asked.click("Erase")
    await asked.wait_until(lambda one: one.embed["title"] == "✅ Erased")
    own = list_moments(rows, last.killer_id)
    assert f"{len(own)} deaths now show" in asked.embed["description"]
    gone = await stage.ask("/stats", player=last.killer_name)
    assert "No player called" in gone.embed["description"]
    after = get_fields((await stage.ask("/stats", player=last.victim_id)).embed)
    same = ("Kills", "Deaths", "K/D", "Respawns and accidents", "Longest kill", "Best streak", "Top weapon")
    assert [after[name] for name in same] == [before[name] for name in same]
    assert (stage.read("ledger"), stage.read("wallets"), stage.read("links")) == ([], [], [])
    erased = [
        *stage.read("kills", killer_id=ERASED_PLAYER_ID),
        *stage.read("kills", victim_id=ERASED_PLAYER_ID, killer_id={"$ne": ERASED_PLAYER_ID}),
    ]
    assert len(erased) == len(own)

    await stage.ask("/admin server import", server="North")
    await until(lambda: len(stage.office.messages) == 2 or stage.find_server()["generation"] >= 2)
    await until(lambda: stage.find_server()["generation"] >= 2, what=lambda: stage.bot.output)
    assert stage.count_deaths() == len(rows)
    with stage.open_database() as database:
        stored = {name: repr(list(database[name].find())) for name in database.list_collection_names()}
    named = [name for name, text in stored.items() if str(last.killer_id) in text]
    assert (named, [name for name, text in stored.items() if f"'{last.killer_name}'" in text]) == ([], [])
    counted = count_rows(rows).summarise()
    del counted[str(last.killer_id)]
    figures = stage.read_counters()
    assert figures.pop(ERASED_PLAYER_ID)["kills"] > 0
    assert figures == counted

    files.append(last._replace(written_at=last.written_at + timedelta(seconds=5)))
    await stage.wait_for_deaths(len(rows) + 1)
    anew = get_fields((await stage.ask("/stats", player=last.killer_name)).embed)
    assert (anew["Kills"], anew["Deaths"]) == ("1", "0")


async def test_admin_erases_a_player_without_a_member_and_that_is_written_down_without_the_name(
    stage: Stage,
) -> None:
    """An admin erases a player without a member.

    Autocomplete, boards and bounties no longer know the player.
    """
    rows = stage.take(120)
    stage.open_files().append(*rows)
    await stage.add_server("North")
    count = count_rows(rows)
    best = max(count.players, key=lambda player_id: count.players[player_id].kills)
    name = count.players[best].name
    asked = await stage.ask("/data erase", player=name)
    await asked.click("Erase")
    await asked.wait_until(lambda one: one.embed["title"] == "✅ Erased")
    offered = await stage.admin.autocomplete(stage.office, "/data erase", "player", "")
    assert {choice["value"] for choice in offered} & {best, ERASED_PLAYER_ID} == set()
    board = await stage.ask("/leaderboard")
    assert [one in board.embed["description"] for one in (name, ERASED_NAME)] == [False, False]
    recent = await stage.ask("/killfeed recent", count=25)
    assert name not in recent.embed["description"]
    [entry] = stage.read("audit", action="data erase")
    told = str(describe_facts(AUDIT.read(entry)))
    assert (entry["actor_id"], told) == (stage.admin.id, "a player, by an admin")
