"""Stories of three guilds that share hosts, numbers, players and members; each step belongs to one guild."""

import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import count, islice

from simulation.game_host.battle import Battle
from simulation.game_host.server_life import ServerLife
from tests.fakes.clock import START
from tests.fakes.deaths import render
from tests.fakes.host_files import FakeSession
from tests.isolation.house import House
from utils.errors import KillfeedError
from utils.events import GuildLeft
from utils.models.audit import AuditAction, AuditEntry
from utils.models.deaths import DeathKind
from utils.models.guilds import ChannelKind
from utils.models.notices.highlights import HighlightKind
from utils.models.personal import DataQuestion
from utils.models.roles import GrantState, NamedTerms, RoleGrant, RoleId, RoleRule, RuleTerms
from utils.models.scope import ChannelId, GuildId, MemberId, PlayerId
from utils.models.servers import Credentials
from utils.services.money.bounties.settings import change_bounties
from utils.services.roles.facts import describe_change
from utils.services.seasons.seasons import SeasonForm
from utils.services.servers.typed_servers import ServerForm

GUILDS = (GuildId(101), GuildId(102), GuildId(103))
MEMBERS = (MemberId(1), MemberId(2), MemberId(3))  # the same in all three guilds
ADMIN = MemberId(9)
NUMBERS = (1, 2)
FIRST_REQUEST = 1_000_000_000
BEGINNING = (
    *("add server", "channel", "prove", "prove", "prove", "money", "found faction", "join faction"),
    *("season", "look at levels"),
)
STEP_SECONDS = 60.0
SECONDS_OF_A_DAY = 86_400.0
DAYS_TO_CLOSE = 2  # the end of the first day, and the longest wait of a season for its servers
KINDS = {
    0: ChannelKind.BOUNTIES,
    1: ChannelKind.BOUNTIES,
    2: ChannelKind.BOUNTIES,
    3: ChannelKind.BOUNTIES,
    6: ChannelKind.EVENTS,
    7: ChannelKind.CONNECTIONS,
}
ACTIONS = {
    "add server": 4,
    "read": 12,
    "remove server": 1,
    "import": 1,
    "channel": 3,
    "announce": 2,
    "prove": 3,
    "unlink": 2,
    "money": 3,
    "place": 8,
    "cancel": 5,
    "bounty settings": 1,
    "role rule": 2,
    "look at levels": 1,
    "more xp": 1,
    "season": 1,
    "end season": 2,
    "found faction": 1,
    "join faction": 2,
    "leave faction": 2,
    "take foreign faction": 1,
    "notify": 2,
    "premium": 1,
    "end premium": 1,
    "erase player": 1,
    "erase member": 1,
    "leave": 1,
    "take foreign server": 1,
    "take foreign bounty": 1,
}


@dataclass(frozen=True, slots=True)
class Step:
    """An action of one guild at a moment; ``number`` and ``place`` choose its object."""

    at_seconds: float
    guild_id: GuildId
    action: str
    number: int
    place: int

    @property
    def request_id(self) -> int:
        """The id of the request, which is the same in each telling of a story."""
        return FIRST_REQUEST + round(self.at_seconds)


@dataclass(frozen=True, slots=True)
class Story:
    """Steps, and the rows that the games write before each of them.

    Attributes:
        writes: the bytes of each step in the death log, by game server.
        lines: the text of each step in Deadside.log, by game server.
        players: the players, the most active first.
    """

    steps: tuple[Step, ...]
    writes: tuple[dict[int, bytes], ...]
    lines: tuple[dict[int, str], ...]
    players: tuple[PlayerId, ...]


def tell(seed: int, *, length: int) -> Story:
    """Return the story of a seed; every guild begins with a server, a channel and proven members."""
    chance = random.Random(seed)
    battles = {number: Battle(seed * 10 + number, players=8) for number in NUMBERS}
    fights = {number: battle.rows() for number, battle in battles.items()}
    beginnings = [(guild, action) for guild in GUILDS for action in BEGINNING]
    actions = [
        *beginnings,
        *(
            (chance.choice(GUILDS), chance.choices(list(ACTIONS), list(ACTIONS.values()))[0])
            for _ in range(length)
        ),
        *((guild, "read") for guild in GUILDS),
    ]
    steps = tuple(
        Step(position * STEP_SECONDS, guild, action, chance.choice(NUMBERS), chance.randrange(8))
        for position, (guild, action) in enumerate(actions)
    )
    writes = tuple(
        {
            number: b"".join(
                render(row._replace(written_at=_write_time(step, offset)))
                for offset, row in enumerate(islice(fights[number], chance.choice((0, 0, 1, 3, 6))))
            )
            for number in NUMBERS
        }
        for step in steps
    )
    players = {fighter.id: None for battle in battles.values() for fighter in battle.fighters}
    lines = {number: write_lives(seed, battle, len(steps)) for number, battle in battles.items()}
    by_step = tuple({number: lines[number][place] for number in NUMBERS} for place in range(len(steps)))
    return Story(steps, writes, by_step, tuple(players))


def write_lives(seed: int, battle: Battle, steps: int) -> list[str]:
    """Return what a game server writes into Deadside.log before each step."""
    life = ServerLife(seed, fighters=battle.fighters, start=START)
    chance = random.Random(seed)
    texts = []
    for step in range(1, steps + 1):
        present = chance.sample(battle.fighters, chance.choice((0, 1, 3)))
        entries = life.live_until(START + timedelta(seconds=step * STEP_SECONDS), present=present)
        texts.append("".join(f"{entry.text}\n" for entry in entries))
    return texts


def _write_time(step: Step, offset: int):  # noqa: ANN202 - a datetime without zone, as logs carry
    return (START + timedelta(seconds=step.at_seconds + offset)).replace(tzinfo=None)


class Teller:
    """Runs a story in a house, with all guilds or with one guild.

    Attributes:
        outcomes: the results of each guild's steps, in order.
        boards: the board of open bounties after them, before the seasons end.
    """

    def __init__(self, story: Story, house: House, hosts: dict[int, FakeSession]) -> None:
        self._story = story
        self._house = house
        self._hosts = hosts
        self._requests = count(1)
        self.outcomes: dict[GuildId, list[str]] = {guild: [] for guild in GUILDS}
        self.boards: dict[GuildId, list[str]] = {}

    async def tell(self, guild_ids: Sequence[GuildId]) -> None:
        """Do the steps of these guilds; games and time go on for all guilds."""
        clock = self._house.clock
        story = self._story
        for step, written, lines in zip(story.steps, story.writes, story.lines, strict=True):
            clock.move(step.at_seconds - (clock.now() - START).total_seconds())
            for number, data in written.items():
                self._hosts[number].append("world_0/2025.05.01-00.00.00.csv", data)
                self._house.game_logs[number].append(lines[number])
            if step.guild_id in guild_ids:
                self.outcomes[step.guild_id].append(await self._do(step))
                await self._house.rest()
        await self._house.application.features.bounty_endings.expire_due()
        await self._house.rest()
        for guild_id in guild_ids:
            self.boards[guild_id] = await self._house.messages.write_board(guild_id)
        for _ in range(DAYS_TO_CLOSE):
            clock.move(SECONDS_OF_A_DAY)
            for guild_id in guild_ids:
                await self._house.application.features.season_timer.move(guild_id)
        await self._house.rest()

    async def _do(self, step: Step) -> str:
        actions: dict[str, Callable[[Step], Awaitable[object]]] = {
            name: getattr(self, "_" + name.replace(" ", "_")) for name in ACTIONS
        }
        try:
            await actions[step.action](step)
        except KillfeedError as error:
            return f"{step.action}: {type(error).__name__}"
        return f"{step.action}: done"

    def _choose_player(self, step: Step) -> PlayerId:
        return self._story.players[step.place]

    def _choose_member(self, step: Step) -> MemberId:
        return MEMBERS[step.place % len(MEMBERS)]

    async def _add_server(self, step: Step) -> None:
        form = ServerForm(f"Server {step.number}", "192.0.2.1", 22, "renter", number=step.number)
        servers, typed = self._house.services.servers, Credentials(password="pw")
        trial = await servers.try_server(step.guild_id, form, credentials=typed, actor_id=ADMIN)
        await servers.add_server(trial, channel_id=None, actor_id=ADMIN)

    async def _read(self, step: Step) -> None:
        await self._house.read_all(step.guild_id)

    async def _remove_server(self, step: Step) -> None:
        server = await self._house.services.servers.resolve(step.guild_id, f"Server {step.number}")
        await self._house.services.servers.remove_server(
            server.scope, keep_stats=step.place % 2 == 0, actor_id=ADMIN
        )

    async def _import(self, step: Step) -> None:
        await self._house.services.server_changes.import_again(
            step.guild_id, f"Server {step.number}", channel_id=None, message_id=None, actor_id=ADMIN
        )

    async def _channel(self, step: Step) -> None:
        kind = KINDS.get(step.place, ChannelKind.KILLFEED)
        server = f"Server {step.number}" if step.place == 5 else None
        await self._house.services.guild_changes.set_channel(
            step.guild_id, kind, ChannelId(500 + step.place), server=server, actor_id=ADMIN
        )

    async def _announce(self, step: Step) -> None:
        switches = [*DeathKind, *HighlightKind]
        await self._house.services.server_changes.set_announced(
            step.guild_id,
            f"Server {step.number}",
            switches[step.place % len(switches)],
            is_announced=step.place > 3,
            actor_id=ADMIN,
        )

    async def _prove(self, step: Step) -> None:
        await self._house.read_all(step.guild_id)
        member, player = self._choose_member(step), self._choose_player(step)
        await self._house.services.links.confirm(step.guild_id, ADMIN, member_id=member, player=player)

    async def _unlink(self, step: Step) -> None:
        links, member = self._house.services.links, (await self._list_linked(step) or MEMBERS)[-1]
        shown = await links.list_links(step.guild_id, member)
        await links.unlink_all(step.guild_id, member, shown=shown)

    async def _money(self, step: Step) -> None:
        await self._adjust(step.guild_id, self._choose_member(step), 5_000 - 900 * step.place)

    async def _adjust(self, guild_id: GuildId, member_id: MemberId, amount: int) -> None:
        await self._house.services.wallets.adjust(
            guild_id, member_id, amount, reason="story", actor_id=ADMIN, request_id=next(self._requests)
        )

    async def _place(self, step: Step) -> None:
        """Let the first member with a proven player place a bounty, after giving them the money."""
        member, amount = (await self._list_linked(step) or MEMBERS)[0], 100 + step.place
        await self._adjust(step.guild_id, member, amount)
        await self._house.services.bounties.place(
            step.guild_id,
            member,
            player=self._choose_player(step),
            amount=amount,
            server=f"Server {step.number}",
            request_id=next(self._requests),
        )

    async def _cancel(self, step: Step) -> None:
        bounties = self._house.services.bounties
        for member in MEMBERS:
            for bounty in await bounties.list_cancellable(step.guild_id, member):
                await bounties.cancel(step.guild_id, member, bounty.bounty_id)
                return
        await bounties.cancel(step.guild_id, MEMBERS[0], "none")

    async def _notify(self, step: Step) -> None:
        await self._house.services.notifications.switch(
            step.guild_id, self._choose_member(step), None, is_on=step.place % 4 > 0, locale="en-US"
        )

    async def _bounty_settings(self, step: Step) -> None:
        wish = partial(change_bounties, is_auto=step.place % 2 == 0, expiry_hours=1 + step.place)
        changes = self._house.services.guild_changes
        await changes.change(step.guild_id, ADMIN, AuditAction.BOUNTIES, wish)

    async def _role_rule(self, step: Step) -> None:
        """Store a rule, and that its role was given: one role for all guilds, as their ids never are."""
        roles, at = self._house.application.repositories.roles, self._house.application.base.clock.now()
        number, member = len(await roles.list_rules(step.guild_id)), self._choose_member(step)
        rule = RoleRule(
            guild_id=step.guild_id,
            rule_id=f"rule {number}",
            terms=RuleTerms(role_id=RoleId(7), kills=step.place + 1),
            created_by=ADMIN,
            created_at=at,
        )
        facts = describe_change(None, NamedTerms(rule.terms))
        await roles.insert_rule(
            step.guild_id, rule, entry=AuditEntry(at, ADMIN, AuditAction.ROLES_ADD, facts)
        )
        before = {(one.role_id, one.member_id): one for one in await roles.list_grants(step.guild_id)}
        given = RoleGrant(RoleId(7), member, GrantState.GIVEN, at)
        await roles.change_grants(step.guild_id, before, {(given.role_id, member): given})

    async def _look_at_levels(self, step: Step) -> None:
        await self._house.read_all(step.guild_id)
        now = self._house.clock.now()
        await self._house.application.features.levels.look(step.guild_id, now=now)

    async def _more_xp(self, step: Step) -> None:
        events = self._house.services.xp_events
        if step.place % 4:
            await events.begin(step.guild_id, ADMIN, factor=2 + step.place % 2, hours=1)
        else:
            await events.stop(step.guild_id, ADMIN)

    async def _season(self, step: Step) -> None:
        today = START.date()
        first, last = today - timedelta(days=step.place % 3), today + timedelta(days=step.place // 4)
        server = f"Server {step.number}" if step.place % 2 else None
        form = SeasonForm(f"Season {step.number}", first.isoformat(), last.isoformat(), server)
        await self._house.services.seasons.start(
            step.guild_id, form, actor_id=ADMIN, request_id=step.request_id
        )
        await self._house.application.features.season_timer.move(step.guild_id)

    async def _end_season(self, step: Step) -> None:
        seasons = self._house.services.seasons
        found = await seasons.find_open(step.guild_id, "", is_running=step.place % 2 == 0)
        await (seasons.end if step.place % 2 == 0 else seasons.cancel)(found, actor_id=ADMIN)

    async def _found_faction(self, step: Step) -> None:
        """Found a faction; those of other guilds have the same names."""
        await self._house.services.factions.create(
            step.guild_id,
            (await self._list_linked(step) or MEMBERS)[0],
            name=f"Pack {'AB'[step.number - 1]}",
            tag=f"PK{step.number}",
            is_open=step.place > 0,
            request_id=step.request_id,
        )

    async def _join_faction(self, step: Step) -> None:
        """Let the first member with a proven player and without a faction join the oldest one."""
        services = self._house.services
        shown = await services.factions.list_factions(step.guild_id)
        taken = {one.member_id for faction in shown for one in faction.members}
        linked = await self._list_linked(step)
        member = next((one for one in linked if one not in taken), MEMBERS[0])
        await services.factions.join(step.guild_id, member, shown[0].faction.faction_id if shown else "none")

    async def _leave_faction(self, step: Step) -> None:
        """Let the last member of the oldest faction leave it."""
        shown = await self._house.services.factions.list_factions(step.guild_id)
        member = shown[0].members[-1].member_id if shown else MEMBERS[0]
        await self._house.services.factions.leave(step.guild_id, member)

    async def _list_linked(self, step: Step) -> list[MemberId]:
        links = self._house.services.links
        return [one for one in MEMBERS if await links.list_players(step.guild_id, one)]

    async def _take_foreign_faction(self, step: Step) -> None:
        """Use a faction or a season of another guild by its id."""
        services = self._house.services
        for faction_id in await self._list_foreign(step, "factions", "faction_id"):
            await _expect_refusal(
                services.factions.join(step.guild_id, self._choose_member(step), faction_id)
            )
            await _expect_refusal(services.factions.disband_by_hand(step.guild_id, ADMIN, faction_id))
        for season_id in await self._list_foreign(step, "seasons", "season_id"):
            await _expect_refusal(services.seasons.find_open(step.guild_id, season_id, is_running=False))

    async def _premium(self, step: Step) -> None:
        await self._house.services.grants.grant(
            step.guild_id, tier=1 + step.place % 4, days=1 + step.place, actor_id=ADMIN
        )

    async def _end_premium(self, step: Step) -> None:
        await self._house.services.grants.revoke(step.guild_id, reason="story", actor_id=ADMIN)

    async def _erase_player(self, step: Step) -> None:
        question = DataQuestion(step.guild_id, ADMIN, is_admin=True, player=self._choose_player(step))
        erasures = self._house.services.erasures
        await erasures.erase(await erasures.plan(question), actor_id=ADMIN)

    async def _erase_member(self, step: Step) -> None:
        member = self._choose_member(step)
        erasures = self._house.services.erasures
        await erasures.erase(await erasures.plan(DataQuestion(step.guild_id, member)), actor_id=member)

    async def _leave(self, step: Step) -> None:
        self._house.application.events.dispatch(GuildLeft(guild_id=step.guild_id))

    async def _take_foreign_server(self, step: Step) -> None:
        """Use a server of another guild by its id, or an unknown id without that guild."""
        foreign = await self._list_foreign(step, "game_servers", "server_id")
        services = self._house.services
        server_id = foreign[step.place % len(foreign)]
        for attempt in (
            services.servers.resolve(step.guild_id, server_id),
            services.server_changes.set_announced(
                step.guild_id, server_id, DeathKind.KILL, is_announced=False, actor_id=ADMIN
            ),
            self._house.services.bounties.place(
                step.guild_id,
                MEMBERS[0],
                player=self._choose_player(step),
                amount=100,
                server=server_id,
                request_id=next(self._requests),
            ),
            services.coverage.choose(step.guild_id, server_id),
        ):
            await _expect_refusal(attempt)

    async def _take_foreign_bounty(self, step: Step) -> None:
        """Cancel a bounty of another guild that the same member placed there."""
        for bounty_id in await self._list_foreign(step, "bounties", "bounty_id"):
            for member in MEMBERS:
                await _expect_refusal(self._house.services.bounties.cancel(step.guild_id, member, bounty_id))

    async def _list_foreign(self, step: Step, collection: str, field: str) -> list[str]:
        database = self._house.application.repositories.scope_index._database
        others = database.unscoped(collection).find({"guild_id": {"$ne": step.guild_id}})
        return [document[field] for document in await others.to_list(None)] or ["zzzzzzzz"]


async def _expect_refusal(attempt: Awaitable[object]) -> None:
    try:
        await attempt
    except KillfeedError:
        return
    raise AssertionError("what belongs to another guild was taken")
