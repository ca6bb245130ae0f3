"""Player names: the player of a typed name, and the state of the names."""

import asyncio
import unicodedata
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any, TypeVar

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.fakes.clock import FakeClock, settle
from tests.fakes.deaths import NOON, SCOPE, build_death, build_player_id, build_row
from tests.fakes.figures import FakeStatisticsStore
from tests.fakes.pseudo_language import PSEUDO
from tests.fakes.storage import FakeServerStore, Gate, build_server
from utils.errors import AmbiguousError, NotFoundError, StorageUnavailableError
from utils.events import DeathsStored, HistoryImported, PlayerErased, ServerRemoved
from utils.interactions.autocomplete import write_label
from utils.localization.localizer import ENGLISH_LOCALIZER
from utils.models.deaths import DeathKind
from utils.models.labels import (
    find_labelled,
    fold_label,
    label_choices,
    label_name,
    label_twin,
    make_mark,
)
from utils.models.players import KnownPlayer
from utils.models.scope import GuildId, PlayerId, ServerId, ServerScope
from utils.models.servers import GameServer
from utils.models.typed_text import fold_text
from utils.services.players.player_names import BLINK_SECONDS, CACHED_GUILDS, LEARNED_DEATHS, PlayerNames
from utils.tasks import TaskManager

T = TypeVar("T")
GUILD = SCOPE.guild_id
EAST = ServerId("east")
FRAKTUR = "".join(unicodedata.lookup(f"MATHEMATICAL BOLD FRAKTUR SMALL {letter}") for letter in "DEADSHOT")
SEEN = datetime(2025, 4, 30, tzinfo=UTC)


def build_player(
    name: str, *aliases: str, kills: int = 0, player_id: str | None = None, server: ServerId = EAST
) -> KnownPlayer:
    """Return a player with former names."""
    return KnownPlayer(
        player_id=PlayerId(player_id) if player_id else build_player_id(name),
        name=name,
        names=(*aliases, name),
        kills=kills,
        last_seen_at=SEEN,
        servers=(server,),
    )


PLAYERS = (
    build_player("Pikelule", kills=23),
    build_player("pike_man", "oldschool", kills=57),
    build_player("Straße", kills=5),
    build_player("Mlsno", kills=63),
    build_player("Mlsno II", kills=1),
)


@pytest.fixture(name="store")
def _store() -> FakeStatisticsStore:
    return FakeStatisticsStore(*PLAYERS)


def build_names(store: FakeStatisticsStore, *servers: GameServer) -> PlayerNames:
    """Return names whose first reading all searches wait for, even on a slow machine."""
    clock = FakeClock()
    return PlayerNames(store, FakeServerStore(*servers), TaskManager(clock), clock=clock)


@pytest.fixture(name="names")
def _names(store: FakeStatisticsStore) -> PlayerNames:
    return build_names(store)


async def find(names: PlayerNames, text: str, *server_ids: ServerId) -> list[str]:
    """Return the names of a search."""
    return [player.name for player in await names.search(GUILD, text, server_ids=server_ids)]


def build_event(*rows: tuple[str, str], scope: ServerScope = SCOPE, second: float = 0) -> DeathsStored:
    """Return the event of new deaths."""
    deaths = tuple(build_death(build_row(*row, second=second + number)) for number, row in enumerate(rows))
    return DeathsStored(scope=scope, deaths=deaths)


async def test_search_offers_the_best_known_first(names: PlayerNames) -> None:
    """Any part of any name matches, in any case; most kills come first, then the name."""
    assert await find(names, " PIKE ") == ["pike_man", "Pikelule"]
    assert await find(names, "school") == ["pike_man"]
    assert await find(names, "STRASSE") == ["Straße"]
    assert await find(names, "nobody") == []
    assert await find(names, "") == ["Mlsno", "pike_man", "Pikelule", "Straße", "Mlsno II"]


async def test_search_stops_at_its_limit(names: PlayerNames) -> None:
    """Discord shows 25 choices; the players with most kills are among them."""
    assert [player.name for player in await names.search(GUILD, "", limit=2)] == ["Mlsno", "pike_man"]


async def test_search_is_limited_to_the_named_servers(store: FakeStatisticsStore, names: PlayerNames) -> None:
    """A player who was never seen on a server is not offered for it."""
    store.players.append(build_player("westerner", server=ServerId("west")))
    assert await find(names, "w", ServerId("west")) == ["westerner"]
    assert await find(names, "pike", ServerId("west")) == []


async def test_parts_of_two_names_do_not_make_a_third(store: FakeStatisticsStore, names: PlayerNames) -> None:
    """A search matches within one name, never across two names."""
    store.players = [build_player("beta", "alpha")]
    assert await find(names, "alphabeta") == []
    assert await find(names, "ab") == []
    assert await find(names, "alpha\nbeta") == await find(names, "\nalpha\n beta\n") == []


async def test_names_are_resolved_in_order(store: FakeStatisticsStore, names: PlayerNames) -> None:
    """The order is: the id, the exact name in any case, a unique part; old names count too."""
    resolved = [
        (await names.resolve(GUILD, text)).name
        for text in (build_player_id("Straße"), "MLSNO", "mlsno ii", "OldSchool", "lule", " straSSe ")
    ]
    assert resolved == ["Straße", "Mlsno", "Mlsno II", "pike_man", "Pikelule", "Straße"]
    assert store.calls == ["list_known_players"]


async def test_name_that_fits_several_is_ambiguous(names: PlayerNames) -> None:
    """Several matches are an error with the candidates, most kills first."""
    with pytest.raises(AmbiguousError) as caught:
        await names.resolve(GUILD, "pike")
    assert tuple(label for _, label in caught.value.choices) == ("pike_man", "Pikelule")


async def test_two_players_of_one_name_are_ambiguous(store: FakeStatisticsStore) -> None:
    """Their labels have last seen, a mark and the server, unless the named server decides."""
    names = build_names(store, build_server("East Wind", EAST))
    store.players = [
        build_player("Twin", player_id="1" * 32, server=EAST),
        build_player("twin", player_id="2" * 32, server=ServerId("west")),
        build_player("Twinkle", player_id="3" * 32),
    ]
    told = (
        f"Twin · {make_mark('1' * 32)} · 30 Apr 2025, 00:00 UTC · East Wind",
        f"twin · {make_mark('2' * 32)} · 30 Apr 2025, 00:00 UTC · a removed server",
    )
    for typed, candidates in (("TWIN", told), ("twi", (*told, "Twinkle"))):
        with pytest.raises(AmbiguousError) as caught:
            await names.resolve(GUILD, typed)
        assert tuple(str(label) for _, label in caught.value.choices) == candidates
    found = await names.resolve(GUILD, "twin", server_ids=[ServerId("west")])
    assert found.player_id == "2" * 32


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("Renée", "Rene\N{COMBINING ACUTE ACCENT}e"),
        ("rene\N{COMBINING ACUTE ACCENT}e", "Renée"),
        ("renee", "Renée"),
        ("deadshot", FRAKTUR),
        (FRAKTUR, "Deadshot"),
        ("razor", "ＲａＺｏｒ"),  # noqa: RUF001 - full width
        ("muller", "Müller"),
        ("smörgås", "Smorgas"),
        ("lukasz", "Łukasz"),
        ("joker", "ᴊᴏᴋᴇʀ"),
        ("ace", "🅰🄲🇪"),
        ("ghost", "Gh\N{ZERO WIDTH JOINER}ost"),
    ],
)
async def test_styled_and_accented_letters_are_found_by_plain_ones_and_the_other_way_round(
    store: FakeStatisticsStore, names: PlayerNames, typed: str, stored: str
) -> None:
    """This holds for whole names and parts, in both directions."""
    store.players = [build_player(stored, player_id="1" * 32), build_player("Somebody", player_id="2" * 32)]
    assert await find(names, typed) == await find(names, typed[:-1]) == [stored]
    assert (await names.resolve(GUILD, typed)).player_id == "1" * 32


async def test_name_as_it_is_written_goes_before_one_that_is_like_it(
    store: FakeStatisticsStore, names: PlayerNames
) -> None:
    """Muller and Müller are two players, and the exact spelling finds the right one."""
    store.players = [build_player("Müller", kills=9), build_player("Muller")]
    assert (await names.resolve(GUILD, "muller")).name == "Muller"
    assert (await names.resolve(GUILD, "MÜLLER")).name == "Müller"
    with pytest.raises(AmbiguousError) as caught:
        await names.resolve(GUILD, "Mùller")
    assert [str(label).split(" · ")[0] for _, label in caught.value.choices] == ["Müller", "Muller"]


async def test_twins_of_one_minute_are_told_apart_and_their_labels_understood(
    store: FakeStatisticsStore, names: PlayerNames
) -> None:
    """The labels stay valid after a new sight, and when they are typed in."""
    store.players = [build_player("Twin", player_id=digit * 32) for digit in "123"]
    labels = [
        write_label(one, ENGLISH_LOCALIZER)
        for one in await names.label(GUILD, await names.search(GUILD, "twin"))
    ]
    assert len(set(labels)) == 3
    store.players = [replace(one, last_seen_at=SEEN + timedelta(days=1), servers=()) for one in store.players]
    names.forget_guild(GUILD)
    ids = [(await names.resolve(GUILD, label)).player_id for label in labels]
    assert ids == [digit * 32 for digit in "123"]
    assert [[one.player_id for one in await names.search(GUILD, label)] for label in labels] == [
        [player_id] for player_id in ids
    ]


def test_label_is_written_in_the_language_of_who_types() -> None:
    """All but the name and the mark, which lead back to the player; the mark is never cut."""
    player = build_player("x" * 90, player_id="1" * 32, server=ServerId("gone"))
    label = label_twin(player, {})
    name, mark, rest = write_label(label, PSEUDO).split(" · ", 2)
    assert (name, mark.strip("⟪⟫")) == (label.name, make_mark("1" * 32))
    assert "⟦" in PSEUDO.write_plain(label.beside or "")
    assert rest.endswith("…")


LOOKALIKES = st.text(
    alphabet="aAäÄ\u200b\u3164 ·#…l" + "\N{COMBINING DIAERESIS}\N{FULLWIDTH LATIN SMALL LETTER A}",
    min_size=1,
    max_size=4,
).flatmap(lambda text: st.sampled_from([text, text * 40]))


@given(st.lists(st.lists(LOOKALIKES, min_size=1, max_size=2, unique=True), min_size=1, max_size=6))
@example([["A ·"], ["A ·"]])  # the name ends like the beginning of a separator
def test_what_is_offered_is_understood_as_value_and_as_label(names_borne: list[list[str]]) -> None:
    """Each choice leads to its own player, as value and as label, with any present and former names."""
    players = [
        build_player(borne[0], *borne[1:], player_id=f"{number:032x}")
        for number, borne in enumerate(names_borne)
    ]

    async def check() -> None:
        names = build_names(FakeStatisticsStore(*players))
        offered = await names.search(GUILD, "")
        labels = [write_label(one, ENGLISH_LOCALIZER) for one in await names.label(GUILD, offered)]
        assert all(1 <= len(label) <= 100 for label in labels)
        for player, label in zip(offered, labels, strict=True):
            assert await names.resolve(GUILD, player.player_id) == player
            assert await names.resolve(GUILD, label) == player

    asyncio.run(check())


@given(st.one_of(LOOKALIKES, st.text(max_size=120)))
def test_label_is_folded_the_short_way_as_the_long_way(name: str) -> None:
    """Most names are their own label, so they are folded once."""
    assert fold_label(name, fold_text(name)) == fold_text(label_name(name))


@given(st.lists(LOOKALIKES, min_size=1, max_size=6))
def test_choices_of_any_kind_are_understood_by_their_label(called: list[str]) -> None:
    """Links, bounties and servers have different labels, and each leads to its own choice."""
    choices = [(str(number), text) for number, text in enumerate(called)]
    labels = label_choices(choices)
    assert all(1 <= len(label) <= 100 for label in labels)
    assert [find_labelled(label, choices) for label in labels] == [[key] for key, _ in choices]


async def test_present_name_goes_before_a_former_one(store: FakeStatisticsStore, names: PlayerNames) -> None:
    """A present name goes before former ones of any players; several former ones are ambiguous."""
    store.players = [
        build_player("Hunter", "Wolf", kills=99),
        build_player("Farmer", "Wolf", kills=98),
        build_player("Wolf", "Fox"),
        build_player("Wolfgang"),
    ]
    assert (await names.resolve(GUILD, "wolf")).player_id == build_player_id("Wolf")
    assert (await names.resolve(GUILD, "fox")).player_id == build_player_id("Wolf")
    store.players = store.players[:2]
    names.forget_guild(GUILD)
    with pytest.raises(AmbiguousError) as caught:
        await names.resolve(GUILD, "wolf")
    assert tuple(label for _, label in caught.value.choices) == ("Hunter", "Farmer")


async def test_closest_names_are_suggested_when_nobody_is_called_so(names: PlayerNames) -> None:
    """A typing error gets similar names; without similar names there is no suggestion."""
    with pytest.raises(NotFoundError) as caught:
        await names.resolve(GUILD, "Mlsmo")
    assert caught.value.suggestions == ("Mlsno", "Mlsno II")
    with pytest.raises(NotFoundError) as caught:
        await names.resolve(GUILD, "xyz")
    assert caught.value.suggestions == ()
    with pytest.raises(NotFoundError):
        await names.resolve(GUILD, "  ")


class HeldThreads(ThreadPoolExecutor):
    """Threads whose work waits until a test lets it begin.

    Attributes:
        asked: the number of submitted works.
    """

    def __init__(self) -> None:
        super().__init__()
        self.may_begin = Event()
        self.was_asked = asyncio.Event()
        self.asked = 0

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Store work and let it wait."""
        self.asked += 1
        self.was_asked.set()

        def work() -> T:
            self.may_begin.wait()
            return fn(*args, **kwargs)

        return super().submit(work)


async def test_longest_text_of_discord_keeps_nobody_else_waiting(names: PlayerNames) -> None:
    """Close names are searched in a thread, one text after another; other searches go on."""
    await find(names, "")
    threads = HeldThreads()
    asyncio.get_running_loop().set_default_executor(threads)
    text = "".join(chr(0x4E00 + number) for number in range(6000))
    lost = [asyncio.create_task(names.resolve(GUILD, text)) for _ in range(5)]
    await threads.was_asked.wait()
    assert (await names.resolve(GUILD, "mlsno ii")).name == "Mlsno II"
    assert await find(names, "PIKE") == ["pike_man", "Pikelule"]
    assert (threads.asked, any(one.done() for one in lost)) == (1, False)
    threads.may_begin.set()
    errors = await asyncio.gather(*lost, return_exceptions=True)
    assert [type(error) for error in errors] == [NotFoundError] * 5


async def test_new_names_are_known_when_deaths_are_stored(names: PlayerNames) -> None:
    """Ingestion adds the killers with their kills, the victims, and a player's new name."""
    await find(names, "")
    names.on_deaths_stored(build_event(("Newcomer", "Mlsno"), ("Newcomer", "Victim")))
    assert await find(names, "new") == ["Newcomer"]
    [newcomer] = await names.search(GUILD, "newcomer")
    assert newcomer == KnownPlayer(
        player_id=build_player_id("Newcomer"),
        name="Newcomer",
        names=("Newcomer",),
        kills=2,
        last_seen_at=(NOON + timedelta(seconds=1)).replace(tzinfo=UTC),
        servers=(SCOPE.server_id,),
    )
    [mlsno] = await names.search(GUILD, "mlsno", limit=1)
    assert (mlsno.kills, mlsno.servers) == (63, (EAST, SCOPE.server_id))


async def test_order_follows_new_kills(names: PlayerNames) -> None:
    """A player who overtakes another is offered first."""
    await find(names, "")
    names.on_deaths_stored(build_event(*[("Pikelule", "Straße")] * 40))
    assert await find(names, "pike") == ["Pikelule", "pike_man"]


async def test_late_row_brings_no_old_name_back(store: FakeStatisticsStore, names: PlayerNames) -> None:
    """A late row adds its name, but the player keeps the present name."""
    store.players = [build_player("Now", player_id=build_player_id("Before"), kills=3)]
    await find(names, "")
    late = build_event(("Before", "Mlsno"), second=-(10**7))
    assert late.deaths[0].at < SEEN
    names.on_deaths_stored(late)
    [player] = await names.search(GUILD, "before")
    known = (player.name, player.names, player.kills, player.last_seen_at)
    assert known == ("Now", ("Now", "Before"), 4, SEEN)


async def test_death_without_a_killer_teaches_the_victim_alone(names: PlayerNames) -> None:
    """Falls and deaths without a killer add no kills."""
    await find(names, "")
    row = build_row("Clumsy", "Clumsy", kind=DeathKind.FALL)
    world = build_row("", "Unlucky", second=1)
    deaths = (build_death(row), build_death(world))
    names.on_deaths_stored(DeathsStored(scope=SCOPE, deaths=deaths))
    assert [(player.name, player.kills) for player in await names.search(GUILD, "cl")] == [("Clumsy", 0)]
    assert await find(names, "unlucky") == ["Unlucky"]


async def test_many_deaths_at_once_are_all_learned(names: PlayerNames) -> None:
    """A long list of deaths is learned completely, in slices with pauses."""
    await find(names, "")
    rows = [(f"hunter{number}", "Mlsno") for number in range(LEARNED_DEATHS * 2 + 1)]
    names.on_deaths_stored(build_event(*rows))
    await settle()
    assert len(await names.search(GUILD, "hunter", limit=10**6)) == len(rows)


async def test_deaths_of_a_guild_nobody_asked_about_are_not_held(
    store: FakeStatisticsStore, names: PlayerNames
) -> None:
    """Names are read at the first request; before it, nothing is stored."""
    names.on_deaths_stored(build_event(("Newcomer", "Mlsno")))
    assert store.calls == []
    assert await find(names, "newcomer") == []


async def test_deaths_stored_during_the_first_read_are_not_lost() -> None:
    """Deaths that are stored during the read may be missing in it, so they are added."""
    store = FakeStatisticsStore(*PLAYERS)
    store.gate = Gate()
    names = build_names(store)
    searching = asyncio.create_task(find(names, "newcomer"))
    await store.gate.has_read.wait()
    names.on_deaths_stored(build_event(("Newcomer", "Mlsno")))
    store.gate.may_answer.set()
    assert await searching == ["Newcomer"]


async def test_names_are_read_again_when_they_were_forgotten_during_the_read() -> None:
    """An import that ends during the read makes its names stale at once."""
    store = FakeStatisticsStore(*PLAYERS)
    store.gate = Gate()
    names = build_names(store)
    searching = asyncio.create_task(find(names, "imported"))
    await store.gate.has_read.wait()
    store.players.append(build_player("imported"))
    names.on_history_imported(HistoryImported(scope=SCOPE))
    store.gate.may_answer.set()
    assert await searching == ["imported"]


async def test_names_are_offered_while_a_forgotten_read_goes_on() -> None:
    """An import ends while the names are being read for the first time, and then a member types more."""
    store = FakeStatisticsStore(*PLAYERS)
    store.gate = Gate()
    clock = FakeClock()
    tasks = TaskManager(clock)
    names = PlayerNames(store, FakeServerStore(), tasks, clock=clock)
    for _ in range(2):
        offered = asyncio.create_task(find(names, "pike"))
        await clock.advance(BLINK_SECONDS)
        assert await offered == ["Pikelule", "pike_man"]
        names.on_history_imported(HistoryImported(scope=SCOPE))
    await tasks.stop()


async def test_known_player_is_found_while_the_names_are_read_again() -> None:
    """A read takes seconds, and no command waits that long for a player who was known before the import."""
    store = FakeStatisticsStore(*PLAYERS)
    clock = FakeClock()
    tasks = TaskManager(clock)
    names = PlayerNames(store, FakeServerStore(), tasks, clock=clock)
    await find(names, "")
    store.gate = Gate()
    store.players = [build_player("pike_man", "newcomer", kills=70)]
    names.on_history_imported(HistoryImported(scope=SCOPE))
    await store.gate.has_read.wait()
    for typed in ("Pike_Man", build_player_id("pike_man")):
        known = asyncio.create_task(names.resolve(GUILD, typed))
        await clock.advance(BLINK_SECONDS)
        assert (await known).kills == 57
    new = asyncio.create_task(names.resolve(GUILD, "newcomer"))
    await clock.advance(BLINK_SECONDS)
    assert not new.done()
    store.gate.may_answer.set()
    assert (await new).kills == (await names.resolve(GUILD, "pike_man")).kills == 70
    await tasks.stop()


async def test_names_of_before_an_import_are_forgotten_with_the_guild() -> None:
    """A player who is erased right after an import is not found any more."""
    store = FakeStatisticsStore(*PLAYERS)
    names = build_names(store)
    await find(names, "")
    names.on_history_imported(HistoryImported(scope=SCOPE))
    store.players = []
    names.on_player_erased(PlayerErased(guild_id=GUILD))
    with pytest.raises(NotFoundError):
        await names.resolve(GUILD, "pike_man")


async def test_names_are_read_once_when_many_ask_at_once() -> None:
    """Every keystroke is a request, but the database gets one."""
    store = FakeStatisticsStore(*PLAYERS)
    store.gate = Gate()
    names = build_names(store)
    searches = [asyncio.create_task(find(names, text)) for text in ("p", "pi", "pik")]
    await store.gate.has_read.wait()
    store.gate.may_answer.set()
    assert await asyncio.gather(*searches) == [["pike_man", "Pikelule"]] * 3
    assert store.calls.count("list_known_players") == 1


@pytest.mark.parametrize("what", ["imported", "removed", "forgotten"])
async def test_names_are_read_again_after_import_and_removal(
    store: FakeStatisticsStore, names: PlayerNames, what: str
) -> None:
    """Changes other than new deaths drop the names."""
    await find(names, "")
    store.players = [build_player("Survivor")]
    if what == "imported":
        names.on_history_imported(HistoryImported(scope=SCOPE))
    elif what == "removed":
        names.on_server_removed(ServerRemoved(scope=SCOPE))
    else:
        names.forget_guild(GUILD)
    assert await find(names, "") == ["Survivor"]


async def test_cache_is_bounded(store: FakeStatisticsStore, names: PlayerNames) -> None:
    """The guilds with the latest requests stay; the one with the oldest request is read again."""
    for number in range(CACHED_GUILDS + 1):
        await names.search(GuildId(number), "")
        await names.search(GuildId(1), "")
    assert store.calls.count("list_known_players") == CACHED_GUILDS + 1
    await names.search(GuildId(1), "")
    assert store.calls.count("list_known_players") == CACHED_GUILDS + 1
    await names.search(GuildId(0), "")
    assert store.calls.count("list_known_players") == CACHED_GUILDS + 2


async def test_names_are_asked_for_again_when_the_database_was_away(
    store: FakeStatisticsStore, names: PlayerNames
) -> None:
    """The request gets the error, and the next one works."""
    store.failures.append(StorageUnavailableError("away"))
    with pytest.raises(StorageUnavailableError):
        await names.resolve(GUILD, "pike_man")
    assert await find(names, "pike") == ["pike_man", "Pikelule"]


async def test_names_are_offered_at_once_while_they_are_being_read_for_the_first_time() -> None:
    """A request waits for a moment; the newest names are searched meanwhile, then all names are known."""
    store = FakeStatisticsStore(*PLAYERS)
    store.gate = Gate()
    clock = FakeClock()
    tasks = TaskManager(clock)
    names = PlayerNames(store, FakeServerStore(), tasks, clock=clock)
    offered = asyncio.create_task(find(names, "pike"))
    await clock.advance(BLINK_SECONDS)
    assert await offered == ["Pikelule", "pike_man"]
    offered = asyncio.create_task(find(names, "school"))
    await clock.advance(BLINK_SECONDS)
    assert await offered == []
    store.gate.may_answer.set()
    await settle()
    assert await find(names, "school") == ["pike_man"]
    assert store.calls == ["search_players", "list_known_players", "search_players"]
    await tasks.stop()
