"""Each command's reply equals a snapshot of the whole payload; ``pytest --record`` writes them again."""

import json
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from simulation.discord import (
    CallbackKind,
    Channel,
    ChannelKind,
    Guild,
    Interaction,
    Member,
    Permission,
    SimulatedDiscord,
)
from tests.cogs.cases import CASES, Case
from tests.cogs.conftest import use_tier
from tests.cogs.recording import (
    FOLDER,
    find_file,
    read_snapshots,
    read_translated,
    record,
    walk,
    write_snapshots,
    write_translated,
)
from tests.fakes import longest_language
from tests.fakes.clock import START
from tests.fakes.full_shelf import fill
from tests.fakes.longest_language import list_cut
from tests.fakes.own_bot import OwnBot
from tests.fakes.pseudo_language import LANGUAGE, LANGUAGES, PSEUDO, list_bare, list_dead_mentions
from tests.fakes.small_bot import Shelf
from utils.interactions.command_set import list_commands
from utils.interactions.declarations import Access, get_access
from utils.interactions.member_menus import list_member_menus
from utils.localization.localizer import ENGLISH_LOCALIZER, Localizer
from utils.models.languages import name_in_discord
from utils.models.roles import GrantState, RoleGrant, RoleId, RoleRule, RuleTerms
from utils.models.scope import ChannelId, GuildId, MemberId, ServerId
from utils.models.statistics import Period
from utils.models.texts import Text

EPHEMERAL = 1 << 6
COMMANDS = sorted({case.command for case in CASES})


@dataclass(frozen=True)
class Cast:
    """The channels, roles and people of a community, by name."""

    guild: Guild
    channels: dict[str, Channel]
    members: dict[str, Member]

    @property
    def names(self) -> dict[int, str]:
        """The replacement of each id in a snapshot."""
        every = [*self.guild.roles.values(), *self.guild.channels.values()]
        return {each.id: each.name for each in every} | {
            member.id: name for name, member in self.members.items()
        }

    def read_option(self, name: str, value: object) -> object:
        """Return the value of an option; a name becomes the member, channel, role or guild."""
        match name:
            case "member":
                return self.members[str(value)]
            case "channel":
                return self.channels[str(value)]
            case "role":
                return next(role for role in self.guild.roles.values() if role.name == value)
            case "guild_id":
                return str(self.guild.id)
        return value


@pytest.fixture(name="cast")
def _cast(world: SimulatedDiscord, guild: Guild, channel: Channel, alice: Member, manager: Member) -> Cast:
    silent, feed = world.create_channel(guild, "silent"), world.create_channel(guild, "feed")
    denied = Permission.EMBED_LINKS | Permission.ATTACH_FILES | Permission.MANAGE_CHANNELS
    world.set_overwrite(silent, guild.bot, deny=int(denied))
    world.set_overwrite(channel, guild.bot, allow=int(Permission.MANAGE_CHANNELS))
    voice = world.create_channel(guild, "voice", kind=ChannelKind.VOICE)
    world.create_role(guild, "scouts")
    world.create_role(guild, "hunters", mentionable=True)
    prepare_roles(world, guild, manager)
    managers = manager.membership.roles
    owner = world.add_member(guild, world.owner, roles=managers)
    members = {"alice": alice, "bob": world.add_member(guild, "bob"), "manager": manager, "owner": owner}
    channels = {"general": channel, "silent": silent, "feed": feed, "voice": voice}
    return Cast(guild, channels, members)


def prepare_roles(world: SimulatedDiscord, guild: Guild, manager: Member) -> None:
    """Let the bot and the manager give the role of champions; the role of moderators is dangerous."""
    world.create_role(guild, "champions")
    world.create_role(guild, "moderators", permissions=int(Permission.BAN_MEMBERS))
    for place, role in enumerate((*manager.membership.roles, *guild.bot.roles), 50):
        world.move_role(role, place)
        world.set_role_permissions(role, int(role.permissions | Permission.MANAGE_ROLES))


@pytest.fixture(name="shelf")
def _shelf(cast: Cast, world: SimulatedDiscord) -> Shelf:
    """The community with a lot of data."""
    return build_shelf(cast, world)


def build_shelf(cast: Cast, world: SimulatedDiscord) -> Shelf:
    """Return new storages with a lot of data."""
    shelf = Shelf(home_guild_id=cast.guild.id)
    shelf.owners.owner_ids = (world.owner.id,)
    fill(
        shelf,
        GuildId(cast.guild.id),
        MemberId(cast.members["alice"].id),
        MemberId(cast.members["bob"].id),
        ChannelId(cast.channels["feed"].id),
    )
    add_rule(shelf, cast)
    return shelf


def add_rule(shelf: Shelf, cast: Cast) -> None:
    """Store a rule about the champions, whose role bob has from the bot, and one that no member meets."""
    guild_id = GuildId(cast.guild.id)
    role_id, hunters = (RoleId(cast.read_option("role", name).id) for name in ("champions", "hunters"))  # type: ignore[attr-defined]
    manager, bob = (MemberId(cast.members[name].id) for name in ("manager", "bob"))
    shelf.roles.rules[guild_id] = [
        RoleRule(guild_id=guild_id, rule_id=rule_id, terms=terms, created_by=manager, created_at=START)
        for rule_id, terms in (
            ("rule", RuleTerms(role_id=role_id, kills=100, kd=1.5, ladder="ranks")),
            (
                "steep",
                RuleTerms(role_id=hunters, kills=500_000, period=Period.WEEK, server_id=ServerId("aaaaaaaa")),
            ),
            ("lost", RuleTerms(role_id=hunters, faction_id="f9")),
        )
    ]
    shelf.roles.grants[guild_id] = {(role_id, bob): RoleGrant(role_id, bob, GrantState.GIVEN, START)}


async def use(case: Case, cast: Cast, words: Localizer = ENGLISH_LOCALIZER) -> list[Interaction]:
    """Use a command to its end; return all its interactions. ``words`` translates buttons and forms."""
    options = {name: cast.read_option(name, value) for name, value in case.options.items()}
    member, general = cast.members[case.by], cast.channels["general"]
    if case.command.startswith("/"):
        first = await member.ask(general, case.command, **options)
    else:
        first = await member.ask_on(general, case.command, options["member"])
    if first.callback_kind is CallbackKind.MODAL:
        form = {words.write_plain(Text(label)): value for label, value in case.form.items()}
        return [first, await (await first.submit_modal(form)).wait()]
    if not case.press:
        return [first]
    pressed = await first.click(words.write_plain(Text(case.press)))
    await first.wait_until(lambda reply: not reply.components)
    return [first, pressed]


def list_access(bot: OwnBot) -> dict[str, Access]:
    """Return the declaration of each command by its name, and of each command of the menu on a member."""
    slash = {f"/{command.qualified_name}": get_access(command) for command in list_commands(bot)}
    return slash | {menu.qualified_name: get_access(menu) for menu in list_member_menus(bot)}


def begin(case: Case, cast: Cast, world: SimulatedDiscord, bot: OwnBot, first: Shelf) -> Shelf:
    """Let the bot serve new storages in the state of a case, in place of its first ones; return them."""
    shelf = build_shelf(cast, world)
    shelf.languages, shelf.guild_roles = first.languages, first.guild_roles  # the bot fills them
    use_tier(bot, shelf, case.tier)
    if case.is_granted:
        shelf.premium.give(GuildId(cast.guild.id), 3, START + timedelta(days=365))
    shelf.statistics.failures = [case.failure] if case.failure else []
    return shelf


def list_cases(command: str) -> list[Case]:
    """Return the uses of a command. One bot carries out all of them, because a start is dear."""
    return [case for case in CASES if case.command == command]


@pytest.mark.parametrize("command", COMMANDS)
async def test_replies_are_what_they_were(
    command: str, cast: Cast, shelf: Shelf, bot: OwnBot, world: SimulatedDiscord, *, is_recording: bool
) -> None:
    """The snapshots have all payloads to Discord, from the acknowledgement on.

    A command that changes something is marked as a change, so that its failures promise nothing.
    """
    is_change, found = list_access(bot)[command].is_change, {}
    for case in list_cases(command):
        used = begin(case, cast, world, bot, shelf)
        before = None if is_change else used.freeze()
        interactions = await use(case, cast)
        assert is_change or used.freeze() == before, case.name
        found[case.name] = record(world.requests, interactions, cast.names)
    kept = read_snapshots(command)
    if is_recording:
        write_snapshots(command, {**kept, **found})
    else:
        assert found == {name: kept.get(name) for name in found}, "pytest tests/cogs --record writes it anew"


@pytest.mark.parametrize("command", COMMANDS)
async def test_replies_are_in_the_language_of_who_reads_them(
    command: str, cast: Cast, shelf: Shelf, bot: OwnBot, world: SimulatedDiscord
) -> None:
    """The replies are in a language of this test, in which a string that is not a text shows as English.

    Their commands are mentions, so each of them must be where Discord shows mentions.
    """
    cast.guild.locale, shelf.languages = LANGUAGE, LANGUAGES
    for member in cast.members.values():
        member.user.locale = LANGUAGE
    for case in list_cases(command):
        begin(case, cast, world, bot, shelf)
        interactions = await use(case, cast, PSEUDO)
        snapshot = record(world.requests, interactions, cast.names)
        assert (list_bare(snapshot), list_dead_mentions(snapshot)) == ([], []), case.name


@pytest.mark.parametrize("command", COMMANDS)
async def test_replies_with_the_longest_words_of_all_languages_are_not_cut(
    command: str, cast: Cast, shelf: Shelf, bot: OwnBot, world: SimulatedDiscord
) -> None:
    """They have the same parts as the English ones, and end with an ellipsis only where these do.

    Discord refuses nothing of them: the simulated one would not answer.
    """
    cast.guild.locale, shelf.languages = longest_language.LANGUAGE, longest_language.LANGUAGES
    for member in cast.members.values():
        member.user.locale = longest_language.LANGUAGE
    english, lost = read_snapshots(command), []
    for case in list_cases(command):
        begin(case, cast, world, bot, shelf)
        interactions = await use(case, cast, longest_language.LONGEST)
        snapshot = record(world.requests, interactions, cast.names)
        lost += list_cut(english[case.name], snapshot)
    assert lost == []


@pytest.mark.parametrize("language", sorted(longest_language.CATALOGUES))
async def test_two_replies_in_each_language_are_what_they_were(
    language: str, cast: Cast, shelf: Shelf, bot: OwnBot, world: SimulatedDiscord, *, is_recording: bool
) -> None:
    """One is prose and one is figures; what a change of texts does to a language is seen there."""
    cast.guild.locale = cast.members["alice"].user.locale = name_in_discord(language)
    words, found = await shelf.languages.open(language), {}
    for command in ("/help", "/stats"):
        case = list_cases(command)[0]
        begin(case, cast, world, bot, shelf)
        interactions = await use(case, cast, words)
        found[command] = record(world.requests, interactions, cast.names)
    if is_recording:
        write_translated(language, found)
    else:
        assert found == read_translated(language), "pytest tests/cogs --record writes it anew"


def test_every_command_has_a_snapshot_of_its_success(bot: OwnBot) -> None:
    """Every command has a snapshot, and every snapshot has a command."""
    commands = list_access(bot).keys()
    assert {case.command for case in CASES if case.name == "success"} == commands
    assert sorted(FOLDER.iterdir()) == sorted(find_file(command) for command in commands)
    for command in COMMANDS:
        named = [case.name for case in list_cases(command)]
        assert sorted(read_snapshots(command)) == sorted(named)


def test_answers_are_private_where_their_command_says_so(bot: OwnBot) -> None:
    """The acknowledgement decides; a public answer that fails is deleted and followed by a private one."""
    access = list_access(bot)
    for case in CASES:
        [first, *_] = read_snapshots(case.command)[case.name]
        is_modal = first["body"]["type"] == CallbackKind.MODAL
        is_private = bool((first["body"].get("data") or {}).get("flags", 0) & EPHEMERAL)
        assert is_modal or is_private is access[case.command].is_private, case.command


def list_bodies(snapshot: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the parts of a snapshot's requests that have text for people."""
    return [part for part in walk(snapshot) if part.get("embeds") or part.get("content")]


@pytest.mark.parametrize("command", COMMANDS)
def test_no_reply_mentions_anybody_or_shows_an_id(command: str) -> None:
    """Names are escaped, mentions do not ping, and no id of Discord, of the game or of the bot is visible."""
    bodies = [body for snapshot in read_snapshots(command).values() for body in list_bodies(snapshot)]
    assert bodies
    for body in bodies:
        assert body["allowed_mentions"] == {"parse": []}
        text = json.dumps(body["embeds"], ensure_ascii=False)
        assert not re.findall(r"@everyone|@here|\d{17,}|[0-9a-f]{32}|aaaaaaaa|bbbbbbbb", text)
        assert "**Bold**" not in text
