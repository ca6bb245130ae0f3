"""A small community with a lot of data: hostile names, several pages of everything, all sizes of numbers.

It is equal from run to run, except for Discord's ids.
"""

from dataclasses import replace
from datetime import date, timedelta

from tests.fakes.clock import START
from tests.fakes.deaths import FILE, build_death, build_player_id, build_row
from tests.fakes.seasons import build_season
from tests.fakes.small_bot import Shelf
from tests.fakes.storage import build_server
from utils.models.audit import AuditEntry, AuditFacts, FieldChange
from utils.models.deaths import DeathKind
from utils.models.error_groups import ErrorCategory, ErrorGroup, GroupState, Sample, TopCount, TroubleCount
from utils.models.factions import Faction, FactionPeriod, FactionRank, FactionRow
from utils.models.game_log import (
    SAMPLE_TIME,
    GameLogState,
    LineCount,
    LineTally,
    LogCursor,
    LogGap,
    PopulationSample,
    SelfCheck,
)
from utils.models.guilds import ChannelKind, GuildSettings
from utils.models.incidents import WHOLE_BOT
from utils.models.links import Link, LinkState, ProofWindow
from utils.models.money import Bounty, BountyState, Change, LedgerKind, LedgerRow, ReadKill
from utils.models.players import BoardRow, Counters, KnownPlayer, NamedCount, PlayerDay, PlayerStats
from utils.models.playtime import Playtime
from utils.models.presence import PlayerPresence, PlayerState, ServerPresence
from utils.models.problems import Problem
from utils.models.reading import RejectedLine
from utils.models.rejections import RejectionReason
from utils.models.scope import ChannelId, GuildId, MemberId, ServerScope
from utils.models.seasons import SeasonResult, SeasonState
from utils.models.servers import CheckStep, ConnectionState, HostKey, HostKeys, ServerHealth, WayStep
from utils.models.statistics import Board, DayCount, Enemy, PlayerPlace, WeaponRow
from utils.models.texts import text
from utils.models.world_events import EventKey, WorldEvent, WorldEventKind, WorldState
from utils.models.xp import XpEvent
from utils.services.factions.names import compute_name_key
from utils.tasks import TaskReport, TaskState

NAMES = (
    *("Pike_", "@everyone", "**Bold** ~~Otter~~", "[link](https://example.org)", "<@1> ||spoiler||"),
    *("`code`", "Śnieżka 小熊", "# Heading", "- list", "1. one", "> quote", "W" * 60),
)
"""Player names by number of kills. Each contains markup that must be escaped."""
WEAPONS = ("Mosin", "AK-SU", "land_vehicle", "M_4_", "*star*", "UAZ", "TTK", "F-10", "Skar", "VSS", "SVD")
REFERENCE_DIGITS = "23456789ABCD"
MIRNY, KAMENSK = "Mirny", "Kamensk_* @here"
HOUR = timedelta(hours=1)


def fill(
    shelf: Shelf, guild_id: GuildId, member_id: MemberId, other_id: MemberId, channel: ChannelId
) -> None:
    """Fill in the community: ``member_id`` has players, money and bounties, ``other_id`` has less.

    ``channel`` is the channel of the killfeed, of the boards and of samples.
    """
    _add_servers(shelf, guild_id, channel)
    _add_players(shelf)
    _add_combat(shelf)
    _add_links(shelf, guild_id, member_id)
    _add_money(shelf, member_id, other_id)
    _add_admin(shelf, guild_id, member_id, channel)
    _add_errors(shelf, guild_id, member_id)
    _add_seasons(shelf, guild_id)
    _add_levels(shelf)
    _add_factions(shelf, guild_id, member_id, other_id)


def _add_factions(shelf: Shelf, guild_id: GuildId, member_id: MemberId, other_id: MemberId) -> None:
    """Add a faction that the member leads and the other one is in, and an open one of strangers."""
    shelf.factions.links = None  # all have a proven player
    begun = START - timedelta(days=20)
    names = (("f1", "Night_Wolves", "WLF", False), ("f2", "Rock & Roll", "RNR", True))
    shelf.factions.factions = {
        key: Faction(guild_id, key, name, compute_name_key(name), tag, is_open, begun)
        for key, name, tag, is_open in names
    }
    shelf.factions.periods = [
        FactionPeriod("f1", member_id, begun, FactionRank.LEADER, is_founder=True),
        FactionPeriod("f1", MemberId(111), begun, FactionRank.OFFICER),
        FactionPeriod("f1", other_id, begun + HOUR),
        FactionPeriod("f2", MemberId(222), begun, FactionRank.LEADER),
    ]
    counters = Counters(kills=1_234, deaths=400, longest=612, best_streak=9, xp=15_000)
    shelf.faction_days.days = [
        PlayerDay(build_player_id(NAMES[0]), (START - timedelta(days=3)).date(), counters)
    ]


def _add_seasons(shelf: Shelf, guild_id: GuildId) -> None:
    """Add a season that is over with its results, one that waits for them, and a running one."""
    closed = {"state": SeasonState.CLOSED, "closed_at": START - 48 * HOUR}
    seasons = (
        build_season(
            guild_id,
            "s1",
            "Winter_* @everyone",
            first_day=date(2025, 1, 1),
            last_day=date(2025, 3, 31),
            **closed,
        ),
        build_season(guild_id, "s2", "Spring **2025**"),
        build_season(guild_id, "s3", "April", first_day=date(2025, 4, 1), state=SeasonState.CLOSING),
    )
    shelf.seasons.seasons = {one.season_id: one for one in seasons}
    rows = tuple(
        BoardRow(rank, build_player_id(name), name, 400.0 - rank, Counters())
        for rank, name in enumerate(NAMES, start=1)
    )
    shelf.seasons.results = {
        ("s1", board): SeasonResult("s1", board, rows) for board in (Board.KILLS, Board.KD)
    }
    factions = (FactionRow(1, "f9", "Gone_*", "GON", 88), FactionRow(2, "f1", "Night_Wolves", "WLF", 77))
    shelf.seasons.results["s1", Board.FACTIONS] = SeasonResult("s1", Board.FACTIONS, factions=factions)


def _add_levels(shelf: Shelf) -> None:
    """Add the XP of the asked players, of all time and of the season, and times of more XP."""
    shelf.statistics.places = {True: PlayerPlace(12_340, 3, 120), False: PlayerPlace(870, 1, 44)}
    shelf.xp_events.events = (
        XpEvent(START - 48 * HOUR, START - 24 * HOUR, 3),
        XpEvent(START - 2 * HOUR, START + 22 * HOUR, 2),
    )


def _add_servers(shelf: Shelf, guild_id: GuildId, channel: ChannelId) -> None:
    mirny = replace(
        build_server(MIRNY, "aaaaaaaa", guild_id=guild_id),
        number=3,
        host_key="ssh-ed25519 AAA1",
        log_folder=f"/{MIRNY}/actual1/deathlogs",
    )
    kamensk = replace(
        build_server(KAMENSK, "bbbbbbbb", guild_id=guild_id),
        timezone="Europe/Berlin",
        legacy=True,
        silenced=frozenset({DeathKind.FALL, DeathKind.MENU}),
        channels={ChannelKind.KILLFEED: channel},
    )
    shelf.servers.servers = {server.scope: server for server in (mirny, kamensk)}
    channels = {ChannelKind.KILLFEED: channel, ChannelKind.LEADERBOARD: channel}
    shelf.guilds.settings[guild_id] = GuildSettings(guild_id, channels=channels)
    shelf.readings.health = {
        mirny.scope: ServerHealth(
            mirny.scope,
            ConnectionState.CONNECTED,
            last_read_at=START - timedelta(seconds=4),
            lag_seconds=4.27,
            lines_read=1_234_567,
            lines_rejected=2,
        ),
        kamensk.scope: ServerHealth(
            kamensk.scope,
            ConnectionState.REFUSED,
            problem=Problem.LOGIN_REFUSED.say(host="192.0.2.10 port 22"),
            lines_read=1,
        ),
    }
    shelf.game_logs.states[mirny.scope] = _build_log_state()
    shelf.game_logs.ended[mirny.scope] = [_build_event("prison_01_sfpsacmission", 50, respawn_in=9)]
    shelf.game_logs.peaks[mirny.scope] = 41
    shelf.game_logs.samples[mirny.scope] = [
        PopulationSample(
            at=START - number * SAMPLE_TIME, online=number % 50, queue=0, max_players=50, peak=number % 50 + 1
        )
        for number in range(600, 0, -1)
        if number not in range(90, 120)
    ]
    shelf.playtimes.played = Playtime(
        seconds=123 * 3600 + 240,
        sessions=31,
        longest=11 * 3600,
        last_at=START,
        online_since=START - 2 * HOUR,
        counted_since=START - 900 * HOUR,
        is_estimated=True,
    )
    shelf.playtimes.rows = [
        BoardRow(rank, build_player_id(name), name, 400_000.0 / rank, Counters())
        for rank, name in enumerate(NAMES, start=1)
    ]
    shelf.rejected.lines[mirny.scope] = [
        RejectedLine(
            FILE, 12_345, "2025.05.01;**who**;@everyone;" + "0" * 32, RejectionReason.AMBIGUOUS.say(), START
        )
    ]
    shelf.secrets.steps = (
        CheckStep(WayStep.LOGIN, ok=True, detail=text("{login}", login="renter at 192.0.2.10 port 22")),
        CheckStep(
            WayStep.FIND_LOGS,
            ok=True,
            detail=text("1 death log in {folder}", folder="`/192.0.2.10_3/actual1/deathlogs`"),
        ),
    )
    pinned = HostKey("ssh-ed25519 AAA1", "SHA256:pinned")
    shelf.secrets.keys = HostKeys(pinned, HostKey("ssh-ed25519 AAA2", "SHA256:shown"))


def _build_log_state() -> GameLogState:
    """Return the state of a full server with a queue."""
    started_at = START - 9 * HOUR
    online = [
        PlayerPresence(
            key=build_player_id(name),
            name=name,
            state=PlayerState.ONLINE,
            since=started_at + number * timedelta(minutes=11),
            seen_at=START,
        )
        for number, name in enumerate((*NAMES, ""))
    ]
    waiting = PlayerPresence(
        key=build_player_id("waiting"), state=PlayerState.CONNECTING, since=START, seen_at=START
    )
    return GameLogState(
        cursor=LogCursor("run", 1_557_620),
        world=_build_world(),
        presence=ServerPresence(
            run="run",
            started_at=started_at,
            newest_at=START - timedelta(seconds=40),
            max_players=len(online),
            version="1.3.2.24846c",
            players={one.key: one for one in (*online, waiting)},
        ),
        read_at=START - timedelta(seconds=4),
        run_starts=(started_at - 24 * HOUR, started_at),
        peak=50,
        peak_at=START - 100 * HOUR,
        since=START - 900 * HOUR,
        grown_at=START - timedelta(seconds=38),
        tally=LineTally(
            rules=(
                LineCount("run_started", 1),
                LineCount("constructibles", 1_204),
                LineCount("registered", 51),
            ),
            unmatched=3,
            shapes=(LineCount("LogSFPS: airdrop is · at #", 1), LineCount("LogBeacon: beacon · full", 2)),
        ),
        gaps=(LogGap("2025-04-29", 1_260.0),),
        check=SelfCheck(START - timedelta(minutes=20), 41, 40),
        checked_at=START - timedelta(minutes=20),
    )


def _build_world() -> WorldState:
    """Return a world with open missions, of which one is unknown, and a convoy that was never seen."""
    events = [
        _build_event("bunker_01_mis1", 12),
        _build_event("**swamp**_mis_1", 5, state="ODD_ONE"),
        replace(_build_event("", 3, state="DROPPING"), key=EventKey(WorldEventKind.AIRDROP, "", 3)),
    ]
    return WorldState(
        unknown_states=2,
        newest_at=START - timedelta(seconds=40),
        open={one.key[:2]: one for one in events},
        heard_at={WorldEventKind.MISSION: START - timedelta(minutes=5), WorldEventKind.AIRDROP: START - HOUR},
    )


def _build_event(
    mission_id: str, ago: int, *, state: str = "READY", respawn_in: int | None = None
) -> WorldEvent:
    """Return a mission that told its state some minutes ago."""
    since = START - timedelta(minutes=ago)
    return WorldEvent(
        key=EventKey(WorldEventKind.MISSION, mission_id, -ago),
        state=state,
        since=since,
        seen_at=since,
        is_started=True,
        respawn_at=None if respawn_in is None else START + timedelta(minutes=respawn_in),
    )


def _add_players(shelf: Shelf) -> None:
    servers = tuple(scope.server_id for scope in shelf.servers.servers)
    statistics = shelf.statistics
    statistics.players = [
        KnownPlayer(build_player_id(name), name, (name,), 1_300 - 100 * number, START - HOUR, servers)
        for number, name in enumerate(NAMES)
    ]
    statistics.rows = [
        BoardRow(rank, build_player_id(name), name, value, Counters(kills=value))
        for rank, (name, value) in enumerate(
            zip(NAMES, (12_345, 1_234, 988, 42, 40, 12, 11, 5, 4, 3, 2, 1), strict=True), start=1
        )
    ]
    pike, everyone, bold = (build_player_id(name) for name in NAMES[:3])
    best = PlayerStats(
        player_id=pike,
        name=NAMES[0],
        counters=Counters(12_345, 1_000, 1, 456_789, 393, 57),
        current_streak=3,
        top_weapon=NamedCount("Mosin", 7_001),
        nemesis=NamedCount(NAMES[1], 12),
        prey=NamedCount(NAMES[2], 1_050),
        rank=1,
        ranked=1_204,
        last_seen_at=START - HOUR,
        servers=servers,
    )
    least = replace(
        best,
        player_id=everyone,
        name=NAMES[1],
        counters=Counters(),
        current_streak=0,
        top_weapon=None,
        nemesis=None,
        prey=None,
        rank=None,
    )
    statistics.stats = {(pike,): best, (everyone,): least, (pike, bold): replace(best, also=(NAMES[2],))}
    statistics.days = [
        DayCount(date(2025, 4, 2) + timedelta(days=number), Counters(kills=number % 7, deaths=number % 3))
        for number in range(30)
    ]


def _add_combat(shelf: Shelf) -> None:
    pike = build_player_id(NAMES[0])
    kills = (1_234, 400, 55, 54, 30, 12, 9, 4, 3, 2, 1)
    rows = [
        WeaponRow(weapon, number, 0 if weapon == "land_vehicle" else 400 - place)
        for place, (weapon, number) in enumerate(zip(WEAPONS, kills, strict=True))
    ]
    combat = shelf.combat
    combat.weapons = {(): rows, (pike,): rows[:1]}
    combat.best = {weapon: NamedCount(NAMES[place % 5], 40 + place) for place, weapon in enumerate(WEAPONS)}
    enemies = [Enemy(build_player_id(name), name, 9 - place) for place, name in enumerate(NAMES[1:7])]
    combat.killers[(pike,)] = enemies[:3]
    combat.victims[(pike,)] = [replace(enemy, kills=1_000 + enemy.kills) for enemy in enemies]
    combat.hours = {(): [(hour * 7) % 11 for hour in range(168)]}
    shelf.deaths.deaths = [
        (scope.server_id, build_death(build_row(killer, victim, second=-60 * number, kind=kind), scope=scope))
        for number, (killer, victim, kind) in enumerate(_list_deaths())
        for scope in list(shelf.servers.servers)[number % 2 :][:1]
    ]


def _list_deaths() -> list[tuple[str, str, DeathKind]]:
    kinds = (DeathKind.KILL, DeathKind.VEHICLE, DeathKind.MENU, DeathKind.FALL, DeathKind.SELF)
    deaths = [
        (NAMES[number], NAMES[number] if kind.is_suicide else NAMES[number + 1], kind)
        for number, kind in enumerate((*kinds, *kinds))
    ]
    return [*deaths, ("", NAMES[3], DeathKind.UNKNOWN)]


def _add_links(shelf: Shelf, guild_id: GuildId, member_id: MemberId) -> None:
    def build(name: str, *, is_main: bool = False, is_proven: bool = True) -> Link:
        return Link(
            guild_id=guild_id,
            member_id=member_id,
            player_id=build_player_id(name),
            player_name=name,
            linked_at=START - HOUR,
            state=LinkState.PROVEN if is_proven else LinkState.PENDING,
            is_main=is_main,
            proven_at=START - HOUR if is_proven else None,
            is_confirmed=is_proven,
            windows=() if is_proven else (ProofWindow(START, START + HOUR / 30),),
        )

    links = build(NAMES[0], is_main=True), build(NAMES[2]), build(NAMES[6], is_proven=False)
    shelf.links.links = {(guild_id, member_id, link.player_id): link for link in links}


def _add_money(shelf: Shelf, member_id: MemberId, other_id: MemberId) -> None:
    data = shelf.money.data
    mirny, kamensk = shelf.servers.servers
    data.members = {build_player_id(NAMES[0]): member_id, build_player_id(NAMES[7]): other_id}
    data.balances = {member_id: 54_321, other_id: 50}
    data.ledger = [
        LedgerRow(Change(member_id, kind, amount, f"key {number}", START - HOUR, note), number, 54_321)
        for number, (kind, amount, note) in enumerate(
            (
                (LedgerKind.KILL, 49, NAMES[1]),
                (LedgerKind.BOUNTY_PLACED, -1_500, NAMES[2]),
                (LedgerKind.BOUNTY_CLAIMED, 55_000, NAMES[4]),
                (LedgerKind.ADMIN, 1, "prize for **the** @everyone event"),
            ),
            start=1,
        )
    ]

    def build(number: int, placer: MemberId | None, scope: ServerScope) -> Bounty:
        name = NAMES[1 + number % 11]
        amount = 50_000 - 4_000 * number
        placed_at, ends_at = START - number * HOUR / 60, START + 24 * HOUR
        return Bounty(scope, f"b{number}", build_player_id(name), name, amount, placer, placed_at, ends_at)

    placers = (member_id, None, other_id)
    bounties = [build(number, placers[number % 3], (mirny, kamensk)[number % 2]) for number in range(12)]
    claimed = replace(
        build(0, other_id, mirny),
        bounty_id="claimed",
        state=BountyState.CLAIMED,
        closed_at=START - HOUR,
        claimer_id=member_id,
        claimer_name=NAMES[0],
    )
    data.bounties = {bounty.bounty_id: bounty for bounty in (*bounties, claimed)}
    data.read_kills = {mirny: [ReadKill(build_player_id(NAMES[0]), bounties[0].player_id, START, START)]}


def _add_admin(shelf: Shelf, guild_id: GuildId, member_id: MemberId, channel: ChannelId) -> None:
    shelf.samples.channel_id = shelf.boards.channel_id = channel
    gift = FieldChange("balance", 52_821, 54_321)
    place = {"username": "renter", "host": "192.0.2.10", "port": 22}
    removed = (
        *(FieldChange(name, old) for name, old in place.items()),
        FieldChange("statistics", old=True, new=True),
    )
    facts = (
        AuditFacts(server_name=KAMENSK, changes=(FieldChange("killfeed", new=channel),)),
        AuditFacts(member_id=member_id, changes=(gift,), reason="prize for **the** @everyone event"),
        AuditFacts(server_name=KAMENSK, changes=removed),
    )
    shelf.audit.entries = [
        (guild_id, AuditEntry(START - number * HOUR, None if number % 3 else member_id, action, fact))
        for number, (action, fact) in reversed(
            list(enumerate(zip(("channel set", "wallet", "server remove") * 4, facts * 4, strict=True)))
        )
    ]
    shelf.tasks.reports = [
        TaskReport("bounties:expire", None, TaskState.WAITING, 1, 0, None, START + HOUR),
        TaskReport(
            f"read:deaths:{ServerScope(guild_id, next(iter(shelf.servers.servers)).server_id)}",
            *(guild_id, TaskState.RUNNING, 1_234, 1, "RemoteTimeoutError: 192.0.2.10 did not answer", None),
        ),
        TaskReport(f"deliver:{guild_id}/{channel}", guild_id, TaskState.RUNNING, 1, 0, None, None),
        TaskReport(f"names:{guild_id}", guild_id, TaskState.FINISHED, 1, 0, None, None),
    ]


def _add_errors(shelf: Shelf, guild_id: GuildId, member_id: MemberId) -> None:
    """Add twelve kinds of errors to the community, and one of them to the whole bot."""
    kinds = (
        ("builtins.KeyError", ErrorCategory.COMMAND, ""),
        ("utils.errors.ChannelUnusableError", ErrorCategory.DELIVERY, "#"),
        ("utils.errors.StorageError", ErrorCategory.DATABASE, "MongoDB refused the operation. #"),
    )
    groups = [
        ErrorGroup(
            fingerprint=f"v2:{number:016x}",
            reference=f"K7M2Q{REFERENCE_DIGITS[number]}",
            category=category,
            error_type=error_type,
            place="utils.services.money.wallets:WalletService.change",
            frames=("cogs.bounty:BountyCog.place", "utils.services.money.wallets:WalletService.change"),
            text=said,
            count=1_234 - number,
            first_seen_at=START - 24 * HOUR,
            last_seen_at=START - number * HOUR,
            state=GroupState.RESOLVED if number > 9 else GroupState.OPEN,
            resolved_at=START if number > 9 else None,
            regressions=number % 2,
            commands=(TopCount("bounty place", 9), TopCount("wallet", 2)) if number % 2 == 0 else (),
            tasks=(TopCount("storage:prune", 3),) if number % 2 else (),
            members=(TopCount(member_id, 3),),
            samples=(Sample(at=START, correlation_id="c-1"),),
        )
        for number, (error_type, category, said) in enumerate(kinds * 4)
    ]
    store = shelf.error_store
    store.groups[guild_id] = groups
    store.groups[WHOLE_BOT] = [replace(groups[0], members=(), guilds=(TopCount(1, 1_234), TopCount(2, 5)))]
    for group in groups:
        store.hours[guild_id, group.fingerprint] = {START - 2 * HOUR: 7, START - 40 * HOUR: 30}
    store.troubles[guild_id] = [TroubleCount("RemoteTimeoutError", "192.0.2.10:22", 12)]
    store.patterns[guild_id, groups[0].fingerprint] = text(
        "Nearly all with one command: /{name}.", name="wallet"
    )
