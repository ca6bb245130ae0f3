"""Walks from the texts about links, money, premium and data to what they promise."""

from datetime import UTC, datetime, timedelta

from simulation.discord import ChannelKind, Interaction, Member, Permission
from tests.bot.process import until
from tests.bot.stage import get_fields
from tests.bot.test_links import read_windows
from tests.bot.walker import KILL_PAY, Walker


async def confirm_links(walker: Walker) -> None:
    """A linked player's kills earn, which those of others do not."""
    hunter = walker.stage.world.add_member(walker.stage.guild, "hunter")
    await walker.ask("/wallet", by=hunter)
    await walker.ask("/wallet", member=hunter)
    await walker.ask("/admin link confirm", member=hunter, player="Raven")
    await walker.ask("/admin link confirm", member=hunter, player="Lynx")
    await walker.count_kill("Raven", "Heron")
    await walker.count_kill("Lynx", "Heron")
    await walker.count_kill("Otter", "Heron")
    assert await walker.read_balance(hunter) == 2 * KILL_PAY


async def end_links(walker: Walker) -> None:
    """Kills of an ended link earn nothing, and the wallet stays; after **Cancel** the links stay too."""
    hunter = find_member(walker, "hunter")
    balance = await walker.read_balance(hunter)
    await walker.ask("/admin link remove", member=hunter, player="Lynx")
    await walker.count_kill("Lynx", "Badger")
    await walker.ask("/admin link confirm", member=hunter, player="Lynx")
    await walker.ask("/unlink", by=hunter, player="Lynx")
    await walker.count_kill("Lynx", "Badger")
    await walker.ask("/admin link confirm", member=hunter, player="Lynx")
    asked = await walker.ask("/unlink", by=hunter)
    await walker.press_to(asked, "Cancel", "Cancelled")
    assert len(walker.stage.read("links", member_id=hunter.id)) == 2
    await walker.press_to(await walker.ask("/unlink", by=hunter), "Unlink", "✅ Unlinked")
    assert walker.stage.read("links", member_id=hunter.id) == []
    await walker.count_kill("Raven", "Otter")
    assert await walker.read_balance(hunter) == balance


async def decide_requests(walker: Walker) -> None:
    """**Confirm** links the player, and ends the request of another member; **Refuse** tells the member."""
    stage, alerts = walker.stage, walker.stage.guild.channel_named("alerts")
    hunter, other = find_member(walker, "hunter"), stage.world.add_member(stage.guild, "other")
    asked = await walker.ask("/link", by=hunter, player="Raven")
    taken = await walker.ask("/link", by=other, player="Raven")
    request = await walker.until_shown(alerts, hunter.mention)
    await walker.press_below(request, "Confirm", by=stage.admin)
    assert [one["state"] for one in stage.read("links", member_id=hunter.id)] == ["proven"]
    await until_title(walker, asked, "✅ Linked and proven")
    await until_title(walker, taken, "❌ Someone else proved it first")

    refused = await walker.ask("/link", by=other, player="Otter")
    request = await walker.until_shown(alerts, "Otter")
    await walker.press_below(request, "Refuse", by=stage.admin)
    await until_title(walker, refused, "❌ Refused by an admin")
    assert (await stage.ask("/links", by=other)).embed["footer"]["text"].startswith("0 of ")
    await until(lambda: any(one.content.startswith(f"{other.mention} ❌") for one in stage.office.messages))


async def prove(walker: Walker) -> None:
    """The newest message ticks the windows off and tells the end; ended, a request can be made again."""
    stage, member = walker.stage, walker.stage.player
    ended = await walker.ask("/link", by=member, player="Foxglove")
    await walker.ask("/unlink", by=member, player="Foxglove")
    await until_title(walker, ended, "⏸️ Link ended")
    older = await walker.ask("/link", by=member, player="Foxglove")
    newer = await walker.ask("/link", by=member, player="Foxglove")
    await until_title(walker, older, "⏸️ Asked again")
    first, second = read_windows(newer)
    _respawn(walker, "Foxglove", first[0])
    await until(lambda: "1 of 2 seen" in newer.embed["description"], what=lambda: stage.bot.output)
    _respawn(walker, "Foxglove", second[0])
    await until_title(walker, newer, "✅ Linked and proven")
    told = f"{member.mention} ✅"
    await until(lambda: any(one.content.startswith(told) for one in stage.office.messages))
    shown = await walker.ask("/links", by=member)
    assert "Foxglove" in shown.embed["description"]


def _respawn(walker: Walker, name: str, at: datetime) -> None:
    walker.time = at - timedelta(seconds=1)
    walker.write_respawn(name)


async def pay_for_bounties(walker: Walker) -> None:
    """Given money can be put on a head, and the next linked player who kills the target gets it."""
    stage, hunter = walker.stage, find_member(walker, "hunter")
    wanted = stage.guild.channel_named("bounties")
    await walker.ask("/admin wallet", member=stage.player, amount=2000, reason="event prize")
    before = await walker.read_balance(stage.player)
    await walker.ask("/bounty place", by=stage.player, player="Badger", amount=1000)
    await walker.until_shown(wanted, "Badger")
    await walker.ask("/bounty place", by=stage.player, player="Heron", amount=500)
    [cancelled] = stage.read("bounties", amount=500)
    await walker.ask("/bounty cancel", by=stage.player, bounty=cancelled["bounty_id"])
    assert await walker.read_balance(stage.player) == before - 1000 - 50
    had = await walker.read_balance(hunter)
    await walker.count_kill("Raven", "Badger")
    assert await walker.read_balance(hunter) >= had + 1000


async def switch_bounties(walker: Walker) -> None:
    """Members can place one only while bounties are switched on."""
    stage, wanted = walker.stage, walker.stage.guild.channel_named("bounties")
    await walker.ask("/admin bounty", enabled=False)
    await stage.ask("/bounty place", by=stage.player, player="Heron", amount=101)
    assert stage.read("bounties", amount=101) == []
    await walker.ask("/admin bounty", enabled=True)
    await stage.ask("/bounty place", by=stage.player, player="Heron", amount=102)
    await walker.until_shown(wanted, "102 💎")


async def move_recaps(walker: Walker) -> None:
    """Recaps come at the hour that was saved."""
    saved = await walker.ask("/admin recap", daily=True, hour=21)
    asked = await walker.ask("/admin recap")
    assert saved.embed["fields"] == asked.embed["fields"]
    assert "every day at 21:00 UTC" in str(asked.embed["fields"])


async def move_clock(walker: Walker) -> None:
    """Recaps come by the clock that was saved."""
    await walker.ask("/admin language", timezone="Europe/Berlin")
    recaps = await walker.ask("/admin recap")
    assert "21:00 Europe/Berlin" in str(recaps.embed["fields"])


async def give_more_xp(walker: Walker) -> None:
    """A kill gives twice its XP while that holds, and its usual XP afterwards; the news channel tells it."""
    stage, news = walker.stage, walker.create_channel("news")
    await walker.ask("/admin channel set", kind="news", channel=news)
    for options, gained in (({"factor": 2, "hours": 1}, 2 * KILL_PAY), ({"stop": True}, KILL_PAY)):
        await walker.ask("/admin xp", **options)
        [had] = stage.read("players", name="Lynx", generation=stage.find_server()["generation"])
        now = datetime.fromtimestamp(stage.world.clock.now(), UTC)
        walker.time = max(walker.time, now + timedelta(seconds=1))
        await walker.count_kill("Lynx", "Otter")
        [has] = stage.read("players", name="Lynx", generation=stage.find_server()["generation"])
        assert has["counters"]["xp"] - had["counters"]["xp"] == gained
    await walker.until_shown(news, "Double XP: each kill gives twice as much")


async def run_seasons(walker: Walker) -> None:
    """A season has the days that it names; a cancelled one is gone, and all kills stay."""
    stage = walker.stage
    today = datetime.fromtimestamp(stage.world.clock.now(), UTC).date()
    ahead = [(today + timedelta(days=days)).isoformat() for days in (7, 14)]
    await walker.ask("/season start", name="Winter", first_day="yesterday")
    before = (await walker.ask("/stats", player="Raven")).embed["fields"][0]
    for button, title, shown in (
        ("Cancel", "Cancelled", "no last day"),
        ("End it", "✅ Winter ends today", "the last day"),
    ):
        await walker.press_to(await walker.ask("/season end"), button, title)
        assert shown in (await walker.ask("/season info")).embed["description"]
    await walker.ask("/season start", name="Spring", first_day=ahead[0], last_day=ahead[1])
    for season, button, title, is_left in (
        ("Spring", "Cancel", "Nothing changed", True),
        ("Spring", "Cancel the season", "✅ Spring cancelled", False),
        ("Winter", "Cancel the season", "✅ Winter cancelled", False),
    ):
        await walker.press_to(await walker.ask("/season cancel", season=season), button, title)
        listed = (await walker.ask("/season list")).embed["description"]
        assert (f"**{season}**" in listed) is is_left
    assert (await walker.ask("/stats", player="Raven")).embed["fields"][0] == before


async def lead_factions(walker: Walker) -> None:
    """A faction has the members, ranks, name and tag that its leader and an admin give it.

    A member who asked for it gets a direct message.
    """
    stage = walker.stage
    chief, mate, loner = (stage.world.add_member(stage.guild, name) for name in ("chief", "mate", "loner"))
    for member, player in ((chief, "Badger"), (mate, "Heron"), (loner, "Lynx")):
        await stage.ask("/admin link confirm", member=member, player=player)
    await walker.ask("/notify", by=mate, event="faction", on=True)
    await walker.ask("/faction create", by=chief, name="Night Wolves", tag="nwl")
    await walker.ask("/faction invite", by=chief, member=mate)
    await walker.ask("/faction join", by=mate, faction="Night Wolves")
    assert read_ranks(walker) == {chief.id: "leader", mate.id: "member"}
    for rank in ("officer", "member"):
        await walker.ask("/faction rank", by=chief, member=mate, rank=rank)
        assert read_ranks(walker)[mate.id] == rank
    asked = await walker.ask("/faction rank", by=chief, member=mate, rank="leader")
    await walker.press_to(asked, "Cancel", "Cancelled")
    asked = await walker.ask("/faction rank", by=chief, member=mate, rank="leader")
    await walker.press_to(asked, "Give it away", "✅ Rank changed")
    assert read_ranks(walker) == {chief.id: "officer", mate.id: "leader"}
    await walker.ask("/faction edit", by=mate, name="Day Wolves", tag="DWL", open=True)
    assert stage.read("links", member_id=mate.id)[0]["faction_tag"] == "DWL"
    asked = await walker.ask("/faction kick", by=mate, member=chief)
    await walker.press_to(asked, "Remove", "✅ Removed")
    await walker.ask("/faction join", by=chief, faction="DWL")
    asked = await walker.ask("/admin faction", faction="DWL", action="leader", member=chief)
    await walker.press_to(asked, "Change", "✅ Faction changed")
    assert read_ranks(walker) == {chief.id: "leader", mate.id: "officer"}
    await walker.press_to(await walker.ask("/faction leave", by=mate), "Leave", "✅ Left")
    await walker.ask("/faction join", by=mate, faction="DWL")
    await walker.press_to(await walker.ask("/faction leave", by=chief), "Leave", "✅ Left")
    assert read_ranks(walker) == {mate.id: "leader"}
    await walker.press_to(await walker.ask("/faction leave", by=mate), "Cancel", "Cancelled")
    await walker.ask("/unlink", by=mate, player="Heron")
    assert read_ranks(walker) == {}

    await walker.ask("/faction create", by=loner, name="Bears", tag="BRS", open=True)
    await walker.ask("/faction edit", by=loner, open=False)
    asked = await walker.ask("/admin faction", faction="BRS", action="rename", name="Big Bears")
    await walker.press_to(asked, "Change", "✅ Faction changed")
    asked = await walker.ask("/admin faction", faction="BRS", action="disband")
    await walker.press_to(asked, "Cancel", "Cancelled")
    assert [one["name"] for one in stage.read("factions", is_active=True)] == ["Big Bears"]
    await walker.press_to(await walker.ask("/faction disband", by=loner), "Disband", "✅ Disbanded")
    assert stage.read("factions", is_active=True) == []
    told = stage.world.direct_messages(mate.user)
    await walker.until_shown(told, "The faction **Night Wolves** invites you.")
    await walker.until_shown(told, f"To stop them, use /notify in {stage.guild.name}.")
    for member in (chief, loner):
        await walker.press_to(await stage.ask("/unlink", by=member), "Unlink", "✅ Unlinked")


def read_ranks(walker: Walker) -> dict[int, str]:
    """Return the present members of all factions with their ranks."""
    return {one["member_id"]: one["rank"] for one in walker.stage.read("faction_periods", is_current=True)}


async def wait_for_a_tier(walker: Walker) -> None:
    """A channel whose tier is missing stays empty until the tier is there."""
    stage, later = walker.stage, walker.create_channel("later")
    await walker.ask("/owner grant", guild_id=str(stage.guild.id), tier=1)
    await walker.ask("/admin channel set", kind="bounties", channel=later)
    voice = stage.world.create_channel(stage.guild, "players", kind=ChannelKind.VOICE)
    stage.world.set_overwrite(voice, stage.guild.bot, allow=int(Permission.MANAGE_CHANNELS))
    await walker.ask("/admin channel set", kind="counter", channel=voice, server="North")
    await walker.count_kill()
    assert (later.messages, voice.past_names) == ([], [])
    await walker.ask("/owner revoke", guild_id=str(stage.guild.id), reason="end of the test")
    await stage.ask("/bounty place", by=stage.player, player="Lynx", amount=103)
    await walker.until_shown(later, "103 💎")


async def grant_from_afar(walker: Walker) -> None:
    """A grant counts from the invitation on, and a revoked one does not."""
    world = walker.stage.world
    far = world.create_guild("Far", with_bot=False)
    lobby, owner = world.create_channel(far, "lobby"), world.owner_of(far)
    await walker.ask("/owner grant", guild_id=str(far.id), tier=1, days=30)
    await walker.ask("/owner revoke", guild_id=str(far.id), reason="a mistake")
    await walker.ask("/owner grant", guild_id=str(far.id), tier=2, days=30)
    world.add_bot(far)
    await until(lambda: walker.stage.bot.output.count("joined a guild") > 0)
    status = await owner.ask(lobby, "/premium status")
    assert status.embed["title"] == "⭐ Tier 2: Mercenary"


async def give_roles(walker: Walker) -> None:
    """A linked member has the role within moments; it goes with the rule, or stays with ``keep_roles``."""
    stage, world = walker.stage, walker.stage.world
    [own] = stage.guild.bot.roles
    world.move_role(own, 50)
    world.set_role_permissions(own, int(own.permissions | Permission.MANAGE_ROLES))
    role, hero = world.create_role(stage.guild, "heroes"), world.add_member(stage.guild, "hero")
    world.move_role(role, 1)
    await walker.ask("/admin link confirm", member=hero, player="Badger")
    await walker.press_to(await walker.ask("/roles add", role=role, kills=1), "Cancel", "Cancelled")
    asked = await walker.ask("/roles add", role=role, kills=1)
    assert hero.mention in get_fields(asked.embed)["Would get it"]
    await walker.press_to(asked, "Save", "✅ Role rule saved")
    await until(lambda: hero.membership.roles == [role], what=lambda: stage.bot.output)
    listed = (await walker.ask("/roles list")).embed["description"]
    assert f"{role.mention}: 1 kill or more" in listed
    assert "holder" in listed
    await walker.press_to(
        await walker.ask("/roles add", role=role, kills=10_000), "Save", "✅ Role rule saved"
    )
    first = "heroes · 1 kill or more · all game servers · All time"
    await walker.press_to(await walker.ask("/roles remove", rule=first), "Remove", "✅ Role rule removed")
    await until(lambda: hero.membership.roles == [], what=lambda: stage.bot.output)  # the other rule stays
    await walker.press_to(await walker.ask("/roles remove", rule="heroes"), "Remove", "✅ Role rule removed")
    other = world.create_role(stage.guild, "legends")  # a role that was taken comes back after five minutes
    world.move_role(other, 1)
    asked = await walker.ask("/roles add", role=other, rank=100)
    await walker.press_to(asked, "Save", "✅ Role rule saved")
    edited = await walker.ask("/roles edit", rule="legends", clear="rank", streak=1)
    await walker.press_to(edited, "Save", "✅ Role rule saved")
    await until(lambda: hero.membership.roles == [other], what=lambda: stage.bot.output)
    await walker.ask("/roles sync")
    asked = await walker.ask("/roles remove", rule="legends", keep_roles=True)
    await walker.press_to(asked, "Cancel", "Cancelled")
    asked = await walker.ask("/roles remove", rule="legends", keep_roles=True)
    await walker.press_to(asked, "Remove", "✅ Role rule removed")
    await until(lambda: stage.read("role_grants", role_id=other.id) == [])
    assert hero.membership.roles == [other]
    await walker.ask("/admin link remove", member=hero, player="Badger")


async def erase(walker: Walker) -> None:
    """The data that the answer names is gone; a player who plays on starts from zero."""
    stage, hunter, other = walker.stage, find_member(walker, "hunter"), find_member(walker, "other")
    await walker.press_to(await walker.ask("/data erase", by=hunter), "Cancel", "Cancelled")
    assert stage.read("links", member_id=hunter.id) != []
    await walker.press_to(await walker.ask("/data erase", by=hunter), "Erase", "✅ Erased")
    await walker.ask("/admin wallet", member=other, amount=5, reason="small change")
    await walker.press_to(await walker.ask("/data erase", by=other), "Erase", "✅ Erased")
    for member in (hunter, other):
        stored = [stage.read(name, member_id=member.id) for name in ("links", "wallets", "ledger")]
        assert stored == [[], [], []]
    await walker.count_kill("Otter", "Newt")
    await walker.press_to(await walker.ask("/data erase", player="Newt"), "Erase", "✅ Erased")
    for name in ("Raven", "Newt"):
        assert "No player called" in (await walker.ask("/stats", player=name)).embed["description"]
        await walker.count_kill(name, "Otter")
        await until(lambda one=name: bool(stage.read("players", name=one)))  # type: ignore[misc]
        fields = get_fields((await walker.ask("/stats", player=name)).embed)
        assert (fields["Kills"], fields["Deaths"]) == ("1", "0")


def find_member(walker: Walker, name: str) -> Member:
    """Return the person of a name."""
    [found] = [one for one in walker.stage.guild.members.values() if one.user.username == name]
    return Member(walker.stage.admin.client, walker.stage.guild, found.user)


async def until_title(walker: Walker, reply: Interaction, title: str) -> None:
    """Wait until an answer has a title."""
    await until(
        lambda: reply.embed["title"] == title, what=lambda: f"{reply.embed}\n{walker.stage.bot.output}"
    )
    walker.read_answer(reply)
