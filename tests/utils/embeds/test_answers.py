"""The embeds of commands' answers."""

from dataclasses import replace
from datetime import UTC, datetime

import discord
import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.embeds.command_help import HelpCommand
from utils.embeds.factory import EmbedFactory
from utils.embeds.players import measure_places, write_place
from utils.embeds.server_status import ServerStatus
from utils.embeds.style import Style
from utils.embeds.theme import NORTHERN
from utils.errors import NotFoundError
from utils.localization.localizer import ENGLISH_LOCALIZER
from utils.models.deaths import DeathKind, LogFile
from utils.models.guilds import OFFERED_KINDS, ChannelKind
from utils.models.players import BoardRow, Counters, NamedCount, PlayerStats
from utils.models.post_styles import PostShape
from utils.models.premium import TIERS
from utils.models.reading import ImportProgress, RejectedLine
from utils.models.scope import ChannelId, GuildId, PlayerId, ServerId, ServerScope
from utils.models.servers import (
    CheckStep,
    ConnectionCount,
    ConnectionState,
    EncryptedSecret,
    GameServer,
    LogHealth,
    ServerHealth,
    WayStep,
)
from utils.models.statistics import Board, Coverage, Period, RankedPlaces
from utils.models.texts import Text, text

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
STAMP = int(AT.timestamp())
SCOPE = ServerScope(GuildId(1), ServerId("k3v9x0aa"))
ID = PlayerId("0002" + "ab" * 14)
COUNTERS = Counters(kills=1234, deaths=500, suicides=7, metres=99, longest=393, best_streak=57)
COVERAGE = Coverage(SCOPE.guild_id, (SCOPE.server_id,), where="North_1", today=AT.date())
STYLE = Style(NORTHERN, ENGLISH_LOCALIZER)
SERVER = GameServer(SCOPE, "North_1", "play.example.org", 8822, "root", EncryptedSecret(b"secret"))


@pytest.fixture(name="factory", scope="module")
def _factory() -> EmbedFactory:
    return EmbedFactory()


def read_lines(embed: discord.Embed) -> list[str]:
    """Return the lines of an embed's description."""
    return (embed.description or "").split("\n")


def _build_stats(**changes: object) -> PlayerStats:
    values: dict[str, object] = {
        "player_id": ID,
        "name": "Hollow_A",
        "counters": COUNTERS,
        "current_streak": 2,
        "top_weapon": NamedCount("AK-SU", 1200),
        "nemesis": NamedCount("I_l", 3),
        "prey": None,
        "rank": 3,
        "ranked": 1604,
        "last_seen_at": AT,
        "servers": (SCOPE.server_id,),
    }
    return PlayerStats(**(values | changes))  # type: ignore[arg-type]  # values by name


def test_stats_show_every_known_figure(factory: EmbedFactory) -> None:
    """The embed has the fields of the contract in order, grouped, with units, escaped."""
    embed = factory.build_stats(_build_stats(), COVERAGE)
    assert (embed.title, embed.description) == ("📊 Hollow\\_A", "North\\_1 · All time")
    assert {field.name: field.value for field in embed.fields} == {
        "Kills": "1,234",
        "Deaths": "500",
        "K/D": "2.47",
        "Longest kill": "393\u00a0m",
        "Best streak": "57",
        "Streak now": "2",
        "Top weapon": "AK-SU (1,200)",
        "Nemesis": "I\\_l (3)",
        "Respawns and accidents": "7",
        "Rank": "#3 of 1,604",
        "Last seen": f"<t:{STAMP}:R>",
    }
    assert ID not in str(embed.to_dict())


def test_stats_of_several_players_name_the_others(factory: EmbedFactory) -> None:
    """The embed names the summed players, and a cause of the log has a word of its own."""
    stats = _build_stats(also=("Al_t", "Other"), top_weapon=NamedCount("land_vehicle", 3))
    embed = factory.build_stats(stats, replace(COVERAGE, period=Period.WEEK))
    assert embed.description == "North\\_1 · Last 7 days\ntogether with Al\\_t, Other"
    assert {field.name: field.value for field in embed.fields}["Top weapon"] == "Vehicle (3)"


def test_stats_leave_out_what_a_player_does_not_have_yet(factory: EmbedFactory) -> None:
    """A player without kills has neither invented values nor rows of zeros."""
    stats = _build_stats(counters=Counters(), rank=None, top_weapon=None, nemesis=None, current_streak=0)
    assert [field.name for field in factory.build_stats(stats, COVERAGE).fields] == [
        *("Kills", "Deaths", "K/D", "Last seen"),
    ]


def _build_row(rank: int, value: float) -> BoardRow:
    return BoardRow(rank, ID, f"P_{rank}", value, COUNTERS)


@pytest.mark.parametrize(
    ("board", "value", "shown"),
    [
        ("kills", 1234, "1,234 kills"),
        ("kills", 1, "1 kill"),
        ("deaths", 5, "5 deaths"),
        ("kd", 2.5, "2.50 K/D"),
        ("streak", 57, "57 in a row"),
        ("longest", 393, "393\u00a0m"),
        ("suicides", 7, "7 respawns and accidents"),
    ],
)
def test_board_writes_values_in_their_unit(
    factory: EmbedFactory, board: str, value: float, shown: str
) -> None:
    """The first three have medals, the others numbers; the caller's place on another page is below."""
    rows = [_build_row(rank, value) for rank in (1, 2, 3, 4)]
    own = replace(_build_row(120, value), player_id=PlayerId("own"))
    assert read_lines(factory.build_board(board, rows, COVERAGE, own=own)) == [
        "North\\_1 · All time",
        "",
        f"🥇 **P\\_1** — {shown}",
        f"🥈 **P\\_2** — {shown}",
        f"🥉 **P\\_3** — {shown}",
        f"`#4` **P\\_4** — {shown}",
        "",
        f"You: `#120` **P\\_120** — {shown}",
    ]


def test_places_of_a_page_are_as_wide_as_the_last_one(factory: EmbedFactory) -> None:
    """Medals are widened too, and the caller is marked where they stand instead of being repeated."""
    rows = [replace(_build_row(rank, 5), player_id=PlayerId(str(rank))) for rank in (3, 4, 10)]
    assert read_lines(factory.build_board("kills", rows, COVERAGE, own=rows[1]))[2:] == [
        "🥉\u2002 **P\\_3** — 5 kills",
        "`#4 ` **P\\_4** — 5 kills ← you",
        "`#10` **P\\_10** — 5 kills",
    ]


@given(first=st.integers(1, 99_999), count=st.integers(1, 10))
def test_numbers_of_a_page_are_aligned(first: int, count: int) -> None:
    """Every number of a page is equally wide, up to six digits and their separator."""
    width = measure_places(STYLE, first + count - 1)
    shown = [write_place(STYLE, place, width=width) for place in range(first, first + count)]
    assert len({len(place) for place in shown if place[0] == "`"}) <= 1
    assert len({len(place) for place in shown if place[0] != "`"}) <= 1


def test_places_of_a_member_name_who_is_missing(factory: EmbedFactory) -> None:
    """Every own player has a line, and those who are not on the board have a sentence."""
    places = RankedPlaces(Board.KD, (_build_row(4, 2.5),), ("N_o",), minimum_kills=10)
    embed = factory.build_places(places, COVERAGE)
    assert embed.title == "📍 Your place · K/D ratio"
    assert read_lines(embed) == [
        "North\\_1 · All time",
        "",
        "`#4` **P\\_4** — 2.50 K/D",
        "Not on this board yet: N\\_o. You need 10 kills.",
    ]
    none = factory.build_places(RankedPlaces(Board.KILLS, (), ("A", "B")), COVERAGE)
    assert read_lines(none)[2:] == ["Not on this board yet: A, B."]


@pytest.mark.parametrize(("claims", "shown"), [(1, "1,234 💎 · 1 bounty"), (3, "1,234 💎 · 3 bounties")])
def test_board_of_bounties_writes_sum_and_count(factory: EmbedFactory, claims: int, shown: str) -> None:
    """The paid sum decides the rank; the number of claims follows it."""
    row = replace(_build_row(1, 1234), claims=claims)
    embed = factory.build_board("bounties", [row], COVERAGE)
    assert embed.title == "🏆 Best bounty hunters"
    assert read_lines(embed)[2:] == [f"🥇 **P\\_1** — {shown}"]


def test_empty_board_says_so(factory: EmbedFactory) -> None:
    """A board without rows has a sentence."""
    embed = factory.build_board("kills", [], COVERAGE)
    assert read_lines(embed)[2:] == ["This board is still empty."]


def test_status_shows_what_posting_suffers_from(factory: EmbedFactory) -> None:
    """The problem is shown even if the servers are read well."""
    statuses = [ServerStatus("South", None, ServerHealth(SCOPE, state=ConnectionState.CONNECTED))]
    well, ill = (
        factory.build_status(statuses, connections=ConnectionCount(), limit=1, posting_problem=problem)
        for problem in (None, text("Posting of {name} failed.", name="a_b"))
    )
    assert (well.description, ill.description) == (None, "⚠️ Posting of a\\_b failed.")
    assert well.colour != ill.colour
    problem = text("RuntimeError at {host}", host="203.0.113.9")
    embed = factory.build_status(
        statuses, connections=ConnectionCount(), limit=1, posting_problem=problem, is_for_admins=False
    )
    assert embed.description == "⚠️ Posts are stuck. I'll keep trying."


def test_status_shows_the_problem_of_each_log(factory: EmbedFactory) -> None:
    """Each problem has the name of its log."""
    others = (
        LogHealth(text("{name} log", name="Second_"), ConnectionState.NO_LOGS, text("It is gone.")),
        LogHealth(text("Third log"), ConnectionState.CONNECTED),
    )
    [well, ill] = (
        factory.build_status(
            [ServerStatus("South", None, ServerHealth(SCOPE, ConnectionState.CONNECTED, others=logs))],
            connections=ConnectionCount(),
            limit=1,
        )
        for logs in (others[1:], others)
    )
    assert ill.fields[0].value.split("\n")[3:] == ["⚠️ Second\\_ log: It is gone."]
    assert well.fields[0].value.split("\n")[3:] == []
    assert well.colour != ill.colour


def test_status_shows_channel_lag_and_problem(factory: EmbedFactory) -> None:
    """Each server has one field: state, channel, last kill and read, lag, lines, and the problem."""
    health = ServerHealth(
        SCOPE,
        state=ConnectionState.RETRYING,
        problem=text("The host did not answer."),
        last_read_at=AT,
        lag_seconds=5.25,
        lines_read=12345,
        lines_rejected=2,
        next_try_at=AT,
    )
    embed = factory.build_status(
        [
            ServerStatus("North_1", ChannelId(9), health),
            ServerStatus(
                "South",
                None,
                ServerHealth(SCOPE, ConnectionState.CONNECTED, lag_seconds=5.25, last_read_at=AT),
                newest_at=AT,
                obstacle=text("No channel {name}.", name="a_b"),
            ),
            ServerStatus("West", ChannelId(9), ServerHealth(SCOPE, state=ConnectionState.RETRYING)),
        ],
        connections=ConnectionCount(1, 2),
        limit=25,
    )
    assert embed.footer.text == "Connections to game hosts: 1 of 25 open · 2 waiting"
    assert [(field.name, field.value.split("\n")) for field in embed.fields] == [
        (
            "⏳ North\\_1",
            [
                f"Offline, retrying <t:{STAMP}:R> · <#9>",
                f"No kills yet · last read <t:{STAMP}:R>",
                "12,345 lines read · 2 rejected",
                "⚠️ The host did not answer.",
            ],
        ),
        (
            "⚠️ South",
            [
                "Connected",
                f"Last kill <t:{STAMP}:R> · last read <t:{STAMP}:R> · lag 5.2 s",
                "0 lines read",
                "⚠️ No channel a\\_b.",
            ],
        ),
        (
            "⏳ West",
            [
                "Offline, retrying now · <#9>",
                "No kills yet",
                "0 lines read",
            ],
        ),
    ]


def test_status_for_players_shows_nothing_about_hosts(factory: EmbedFactory) -> None:
    """Players see when an offline server was read last; address, lines and connections are for admins."""
    problem = text("203.0.113.9:22 shows a new host key (SHA256:abc).")
    states = {
        ConnectionState.RETRYING: f"Offline, last read <t:{STAMP}:R>, retrying",
        ConnectionState.REFUSED: f"Offline, last read <t:{STAMP}:R>: an admin has to fix it",
        ConnectionState.NO_LOGS: f"No logs, last read <t:{STAMP}:R>, looking again",
        ConnectionState.CONNECTED: "Connected",
    }
    for state, said in states.items():
        health = ServerHealth(SCOPE, state=state, problem=problem, last_read_at=AT)
        embed = factory.build_status(
            [ServerStatus("North", ChannelId(9), health)],
            connections=ConnectionCount(1, 2),
            limit=25,
            is_for_admins=False,
        )
        assert (embed.fields[0].value.split("\n")[0], embed.footer) == (f"{said} · <#9>", None)
        assert "203.0.113" not in str(embed.to_dict())
    never = ServerHealth(SCOPE, state=ConnectionState.REFUSED, problem=problem)
    embed = factory.build_status(
        [ServerStatus("North", None, never)], connections=ConnectionCount(), limit=1, is_for_admins=False
    )
    assert embed.fields[0].value == "Can't log in: an admin has to fix it\nNo kills yet"


def test_status_and_list_without_servers_name_the_command(factory: EmbedFactory) -> None:
    """Without servers the answer names the command that adds one."""
    status = factory.build_status([], connections=ConnectionCount(), limit=25)
    assert status.description == "No game server is set up yet. Admins: start with `/setup`."
    assert "`/admin server add`" in (factory.build_server_list([], states={}).description or "")


def test_server_list_shows_how_servers_are_reached_but_no_login(factory: EmbedFactory) -> None:
    """Admins see host, port, zone and switches; user name and secret are not shown."""
    server = GameServer(
        SCOPE,
        "North_1",
        "play.example.org",
        8822,
        "loginname",
        EncryptedSecret(b"geheim"),
        number=7,
        legacy=True,
        silenced=frozenset({DeathKind.FALL}),
        is_paused=True,
    )
    embed = factory.build_server_list([server], states={})
    assert [(field.name, field.value.split("\n")) for field in embed.fields] == [
        (
            "⏸️ North\\_1",
            [
                "Paused, over the premium limit (`/premium status`)",
                "play.example.org port 8822 · server number 7 · time zone UTC · old SSH encryption allowed",
                "Not posted: falls",
            ],
        )
    ]
    assert "loginname" not in str(embed.to_dict())


def test_steps_show_where_the_way_ends(factory: EmbedFactory) -> None:
    """Each step is a line; the title names the step that failed."""
    steps = [
        CheckStep(WayStep.LOGIN, ok=True, detail=text("Works.")),
        CheckStep(WayStep.FIND_LOGS, ok=False, detail=text("No {name} here.", name="*.csv")),
    ]
    embed = factory.build_steps("North", steps)
    assert embed.title == "❌ Couldn't read the logs of North"
    assert embed.description == "✅ Works.\n❌ No \\*.csv here."
    titles = {
        WayStep.REACH: "❌ Couldn't connect to North",
        WayStep.LOGIN: "❌ Couldn't log in to North",
        WayStep.OTHER_SERVERS: "❌ Another server already uses the logs of North",
    }
    for step, title in titles.items():
        assert factory.build_steps("North", [CheckStep(step, ok=False, detail=text("No."))]).title == title
    assert factory.build_steps("North", steps[:1]).title == "✅ Everything works: North"


def test_rejected_lines_are_inline_and_without_ids(factory: EmbedFactory) -> None:
    """A line is shown escaped, without ids, with position and reason, and cannot leave its code block."""
    line = RejectedLine(LogFile("world_0", "a.csv"), 1234, f"```x;{ID};*b*", text("too few parts"), AT)
    embed = factory.build_rejected("North", [line], total=5)
    assert embed.description == (
        f"**too few parts** · world\\_0/a.csv, byte 1,234 · <t:{STAMP}:R>\n> \\`\\`\\`x;(id);\\*b\\*"
    )
    assert factory.build_rejected("North", [], total=0).description == "I could read every line so far."


def test_full_page_of_rejected_lines_keeps_the_limit(factory: EmbedFactory) -> None:
    """Lines of only markup double in length and still fit."""
    line = RejectedLine(LogFile("world_0", "a.csv"), 1, "*" * 300, text("_" * 300), AT)
    assert len(factory.build_rejected("North", [line] * 25, total=25).description or "") <= 4096


@pytest.mark.parametrize(
    ("progress", "lines"),
    [
        (
            ImportProgress(3, 10, 500, 1000, 12000, 2.0),
            ["▰▰▰▰▰▰▰▱▱▱▱▱▱▱ 50%", "3 of 10 files", "12,000 lines · 6,000 per second · 2 s left"],
        ),
        (
            ImportProgress(0, 10, 0, 1000, 0, 0.0),
            ["▱▱▱▱▱▱▱▱▱▱▱▱▱▱ 0%", "0 of 10 files", "0 lines · 0 per second"],
        ),
        (
            ImportProgress(0, 0, 0, 0, 0, 0.0),
            ["Looking for logs …"],
        ),
        (
            ImportProgress(10, 10, 1000, 1000, 20, 1.0, is_counting=True),
            ["▰▰▰▰▰▰▰▰▰▰▰▰▰▰ 100%", "10 of 10 files", "20 lines · 20 per second · counting"],
        ),
        (
            ImportProgress(0, 0, 0, 0, 0, 0.0, is_counting=True),
            ["▰▰▰▰▰▰▰▰▰▰▰▰▰▰ 100%", "0 of 0 files", "0 lines · 0 per second · counting"],
        ),
    ],
)
def test_import_shows_how_far_it_is(
    factory: EmbedFactory, progress: ImportProgress, lines: list[str]
) -> None:
    """The message has a bar, files, lines, rate and remaining time."""
    assert (factory.build_import("North", progress).description or "").split("\n") == lines


def test_import_ends_with_a_sum(factory: EmbedFactory) -> None:
    """The last edit of the progress message reports the end."""
    done = ImportProgress(10, 10, 1, 1, 12000, 95.0, is_done=True, deaths=11_990, days=40)
    embed = factory.build_import("North", done, next_step=text("New kills appear."))
    assert embed.title == "✅ History of North imported"
    assert embed.description == "11,990 deaths in 40 days.\nNew kills appear."
    empty = factory.build_import("North", replace(done, deaths=0, days=0))
    assert empty.description == "No deaths in its logs yet."


def test_plain_answers_hold_their_sentences(factory: EmbedFactory) -> None:
    """Refusals escape quoted text; errors have the reference; alerts have the time."""
    refused = factory.build_refusal(NotFoundError(text("No player called “{name}” yet.", name="*x*")))
    assert (refused.title, refused.description) == ("🔎 Not found", "No player called “\\*x\\*” yet.")
    error = factory.build_error(what=text("That failed"), next_step=text("Try again."), reference="K7M2QX")
    assert (error.title, error.description) == ("❌ That failed", "Try again.\nReference: `K7M2QX`")
    assert factory.build_alert(text("Gone."), at=AT).timestamp == AT
    success = factory.build_success(Text("Saved"))
    assert (success.title, success.description) == ("✅ Saved", None)
    assert factory.build_notice(Text("Title"), text("{name}", name="te_xt")).description == "te\\_xt"


def test_help_marks_only_what_is_closed(factory: EmbedFactory) -> None:
    """Commands are listed with their description; a tier is named where it is missing."""
    stats = HelpCommand("stats", Text("A player's figures."), (("player", Text("whose")),))
    compare = HelpCommand("compare", Text("Two players."), tier=TIERS[1])
    bounty = HelpCommand("bounty place", Text("Put a price."), tier=TIERS[2], is_open=False)
    menu = HelpCommand("Stats", Text("Their figures."), is_menu=True)
    embed = factory.build_help([stats, compare, bounty, menu])
    assert embed.title == "📖 Start with these"
    assert (embed.description or "").split("\n") == [
        "`/stats` — A player's figures.",
        "`/compare` — Two players.",
        "`/bounty place` — Put a price. · ⭐ tier 2",
        "**Stats** — Their figures.",
    ]
    assert factory.build_help([stats], topic=text("Killfeed")).title == "📖 Killfeed"


def test_help_of_one_command_tells_its_options_and_a_missing_tier(factory: EmbedFactory) -> None:
    """The help names the tier that opens the command while it is closed."""
    stats = HelpCommand("stats", Text("A player's figures."), (("player", Text("whose")),))
    detail = factory.build_command_help(stats)
    assert (detail.title, detail.fields[0].value) == ("📖 /stats", "`player` — whose")
    assert detail.description == "A player's figures."
    bounty = HelpCommand("bounty place", Text("Put a price."), tier=TIERS[2], is_open=False)
    closed = factory.build_command_help(bounty)
    opened = factory.build_command_help(replace(bounty, is_open=True))
    assert closed.description == (
        "Put a price.\n⭐ Needs tier 2 (Mercenary). `/premium tiers` shows what each tier opens."
    )
    assert opened.description == "Put a price."


@pytest.mark.parametrize("kind", [ChannelKind.EVENTS, ChannelKind.CONNECTIONS, ChannelKind.NEWS])
@pytest.mark.parametrize(("server_name", "mark"), [("North", "Sample of North"), (None, "Sample")])
async def test_sample_about_a_game_server_cannot_be_taken_for_news(
    factory: EmbedFactory, kind: ChannelKind, server_name: str | None, mark: str
) -> None:
    """The announcement of a restart has no invented name, so each sample says that it is one."""
    for embed in (await factory.build_sample(kind, server_name, at=AT)).embeds:
        footer = (embed.footer.text if embed.footer else None) or ""
        first = (embed.description or "").partition("\n")[0]
        assert f"{first} · {footer}".removesuffix(" · ").endswith(mark)


@pytest.mark.parametrize("kind", OFFERED_KINDS)
async def test_sample_post_names_its_kind(factory: EmbedFactory, kind: ChannelKind) -> None:
    """Each kind of channel has a sample; those of notices look like their posts."""
    post = await factory.build_sample(kind, "North_1", at=AT, shape=PostShape(names_servers=True))
    description = "\n".join(one.description or "" for one in post.embeds)
    footer = post.embeds[0].footer
    assert "North\\_1" in description or (footer and "North_1" in (footer.text or ""))
    shown = {
        ChannelKind.KILLFEED: "Sample victim",
        ChannelKind.EVENTS: "Ready",
        ChannelKind.CONNECTIONS: "Sample player",
        ChannelKind.BOUNTIES: "Sample target",
        ChannelKind.NEWS: "Sample player",
    }
    assert shown.get(kind, kind.value) in description
