"""Choices of autocomplete, sent as their visible label instead of their value."""

from dataclasses import replace
from datetime import timedelta

from simulation.discord import Channel, Guild, SimulatedDiscord
from tests.cogs.conftest import PIKE, SEEN, SPIKER
from tests.fakes.hostile import Attacker, list_places
from tests.fakes.own_bot import OwnBot
from tests.fakes.seasons import build_season
from tests.fakes.small_bot import Shelf
from tests.utils.services.guilds.test_error_groups import build_group
from utils.interactions.autocomplete import MAX_CHOICES
from utils.models.factions import Faction, FactionPeriod, FactionRank
from utils.models.links import Link
from utils.models.money import Bounty
from utils.models.roles import RoleId, RoleRule, RuleTerms
from utils.models.scope import GuildId, MemberId

TWIN = "Twin \N{MATHEMATICAL DOUBLE-STRUCK DIGIT TWO}"
NAMES = {"first": PIKE, "second": SPIKER, "player": PIKE, "server": "Mirny"}
BY_NAME = {"command", "action", "timezone"}  # options whose value is the label
WITHOUT_CHOICES = {
    "/admin link remove player",  # before a member is chosen
    "/admin backup restore backup",  # for others than the bot's owners
    "/admin backup verify backup",
}


async def test_label_of_every_choice_is_understood_as_the_choice(
    world: SimulatedDiscord, bot: OwnBot, shelf: Shelf, guild: Guild, channel: Channel
) -> None:
    """Two players with one name are offered wherever players are asked for; two errors by their codes."""
    assert bot.services
    owner_id, guild_id = MemberId(guild.owner.id), GuildId(guild.id)
    shelf.statistics.players = [replace(one, name=TWIN, names=(TWIN,)) for one in shelf.statistics.players]
    scope = next(iter(shelf.servers.servers))
    for player_id in (PIKE, SPIKER):
        link = Link(guild_id, owner_id, player_id, TWIN, SEEN)
        await shelf.links.put_proven(guild_id, link, at=SEEN)
        shelf.money.data.bounties[player_id] = Bounty(
            scope=scope,
            bounty_id=f"b{player_id[-5:]}",
            player_id=player_id,
            player_name=TWIN,
            amount=200,
            placer_id=owner_id,
            placed_at=shelf.clock.now(),
            expires_at=shelf.clock.now() + timedelta(hours=24),
        )
    for key in ("1" * 18, "2" * 18):
        shelf.factions.factions[key] = Faction(
            guild_id, key, f"{TWIN} {key[0]}", key, f"T{key[0]}", is_open=True, founded_at=SEEN
        )
        shelf.factions.periods.append(FactionPeriod(key, MemberId(5), SEEN, FactionRank.LEADER))
    seasons = [build_season(guild_id, number, f"{TWIN} {number}") for number in ("1", "2")]
    shelf.seasons.seasons = {one.season_id: one for one in seasons}
    shelf.roles.rules[guild_id] = [
        RoleRule(
            guild_id=guild_id,
            rule_id=str(number),
            terms=RuleTerms(role_id=RoleId(number), kills=number),
            created_by=owner_id,
            created_at=SEEN,
        )
        for number in (1, 2)
    ]
    shelf.error_store.groups[guild_id] = [build_group("AAAAAA"), build_group("BBBBBB")]
    asker = Attacker(world.owner_of(guild), channel, NAMES)
    places = [one for one in list_places(world.commands.list_commands(None)) if one.is_completed]
    asked = 0
    for place in places:
        if place.option in BY_NAME or f"{place}" in WITHOUT_CHOICES:
            continue
        labels = [choice["name"] for choice in await asker.type(place, "")]
        assert len(labels) == len(set(labels)) == (MAX_CHOICES if place.option == "mission" else 2), place
        for label in labels[:2]:
            shelf.clock.move(60)
            reply = (await asker.attack(place, label))[0]
            text = str(reply.embed) if reply.modal is None else ""
            assert f"“{label[:12]}" not in text, (place, label)  # an unknown value would be quoted
            assert "fits more than one" not in text, (place, label)
            assert "No error has that" not in text, (place, label)
            asked += 1
    assert asked > 50
