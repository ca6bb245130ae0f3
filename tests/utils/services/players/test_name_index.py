"""The index of names gives the same results as a search through all players."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.deaths import build_death, build_player_id, build_row
from utils.models.deaths import Death, DeathKind
from utils.models.players import KnownPlayer
from utils.models.scope import GuildId, PlayerId, ServerId, ServerScope
from utils.models.typed_text import TYPED_CHARACTERS, fold_text
from utils.services.players.close_names import count_wrong_letters, is_close
from utils.services.players.name_index import MOST_COMPARED, SEARCHED_PLAYERS, SLICE_PLAYERS, NameIndex

AT = datetime(2025, 5, 1, 12, tzinfo=UTC)
HERE = ServerScope(GuildId(42), ServerId("aaaaaaaa"))
THERE = ServerScope(GuildId(42), ServerId("bbbbbbbb"))

# few letters, so that parts match; letters whose case folding changes the length or meets another letter
LETTERS = "aAbBẞßİI l_-\N{LATIN SMALL LETTER DOTLESS I}"
NAMES = st.text(alphabet=LETTERS, min_size=1, max_size=6)
PARTS = st.text(alphabet=LETTERS, max_size=3)
PLAYERS = st.lists(
    st.builds(
        lambda number, names, kills: KnownPlayer(
            PlayerId(f"{number}"), names[0], tuple(dict.fromkeys(names)), kills, AT, (HERE.server_id,)
        ),
        st.integers(0, 8),
        st.lists(NAMES, min_size=1, max_size=3),
        st.integers(0, 3),
    ),
    max_size=20,
)


def keep_newest(players: Iterable[KnownPlayer]) -> list[KnownPlayer]:
    """Return the newest state of each player, in the order of first appearance."""
    return list({player.player_id: player for player in players}.values())


def rank(players: Iterable[KnownPlayer]) -> list[KnownPlayer]:
    """Sort players as the contract says: most kills first, then by name."""
    return sorted(players, key=lambda player: (-player.kills, fold_text(player.name)))


def fill(players: Iterable[KnownPlayer]) -> NameIndex:
    """Return an index that learned players one after another."""
    index = NameIndex()
    for player in players:
        index.put(player)
    return index


def search(index: NameIndex, part: str) -> list[KnownPlayer]:
    """Return all results of an index."""
    return asyncio.run(index.search(part, limit=99))


def fingerprint(players: Iterable[KnownPlayer]) -> list[tuple[int, str, frozenset[PlayerId]]]:
    """Return players in order, with those of one rank as a set, because their order does not matter."""
    groups: dict[tuple[int, str], set[PlayerId]] = {}
    for player in players:
        groups.setdefault((-player.kills, fold_text(player.name)), set()).add(player.player_id)
    return [(kills, name, frozenset(ids)) for (kills, name), ids in groups.items()]


@given(PLAYERS, PARTS)
def test_search_finds_what_a_look_through_every_name_finds(players: list[KnownPlayer], part: str) -> None:
    """The results are the players with the part in a name, most kills first."""
    wanted = fold_text(part)
    expected = [
        player for player in keep_newest(players) if any(wanted in fold_text(name) for name in player.names)
    ]
    found = search(fill(players), wanted)
    assert fingerprint(found) == fingerprint(rank(expected))
    assert len(found) == len(expected)


@given(PLAYERS, NAMES)
def test_exact_search_finds_whole_names_alone(players: list[KnownPlayer], name: str) -> None:
    """A name that contains the text does not match; two adjacent names are not a third one."""
    wanted = fold_text(name)
    expected = {
        player.player_id
        for player in keep_newest(players)
        if any(wanted == fold_text(one) for one in player.names)
    }
    assert {
        player.player_id for player in asyncio.run(fill(players).search_exact(wanted, limit=99))
    } == expected


@given(PLAYERS, PLAYERS, PARTS)
def test_index_that_goes_on_learning_equals_one_made_anew(
    before: list[KnownPlayer], after: list[KnownPlayer], part: str
) -> None:
    """A search between two learned players does not change later results."""
    index = fill(before)
    search(index, fold_text(part))
    for player in after:
        index.put(player)
        search(index, fold_text(part))
    anew = asyncio.run(NameIndex.build(keep_newest([*before, *after])))
    assert fingerprint(search(index, "")) == fingerprint(search(anew, ""))
    assert fingerprint(search(index, fold_text(part))) == fingerprint(search(anew, fold_text(part)))


@given(PLAYERS)
def test_player_is_found_by_id_as_he_is_known_last(players: list[KnownPlayer]) -> None:
    """The id leads to one player, an unknown id to none."""
    index = fill(players)
    assert [index.find(player.player_id) for player in keep_newest(players)] == keep_newest(players)
    assert index.find(PlayerId("nobody")) is None


@given(PLAYERS, NAMES, st.integers(1, 5))
def test_closest_names_share_the_most_letter_pairs(
    players: list[KnownPlayer], wanted: str, limit: int
) -> None:
    """The closest names come first, up to the limit; a name that is not close is never offered."""
    folded = fold_text(wanted)
    pairs = {folded[at : at + 2] for at in range(len(folded) - 1)}
    scores = sorted(
        (
            (sum(pair in fold_text(player.name) for pair in pairs), player.kills, player.name)
            for player in keep_newest(players)
        ),
        reverse=True,
    )
    close = [
        name
        for score, _, name in scores
        if score and is_close(folded, fold_text(name), score / max(len(pairs), 1))
    ]
    expected = tuple(close[:limit])
    assert asyncio.run(fill(players).list_closest(folded, limit=limit)) == expected


async def test_large_guild_lets_others_have_their_turn() -> None:
    """Building the index blocks the event loop for one slice at most."""
    players = [
        KnownPlayer(PlayerId(f"{number}"), f"Player {number}", (f"Player {number}",), number, AT)
        for number in range(2 * SLICE_PLAYERS + 1)
    ]
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counter = asyncio.create_task(count_turns())
    await NameIndex.build(players)
    counter.cancel()
    assert turns >= 3


async def test_search_of_a_large_guild_holds_nobody_up() -> None:
    """A search without results blocks the event loop for one slice at most; newly learned players count."""
    players = [
        KnownPlayer(PlayerId(f"{number}"), f"Player {number}", (f"Player {number}",), number, AT)
        for number in range(5 * SEARCHED_PLAYERS)
    ]
    index = await NameIndex.build(players)
    turns = 0

    async def learn() -> None:
        nonlocal turns
        while True:
            turns += 1
            index.put(KnownPlayer(PlayerId(f"new {turns}"), "New", ("New",), 10**6, AT))
            await asyncio.sleep(0)

    learner = asyncio.create_task(learn())
    found = await asyncio.gather(*(index.search("nobody", limit=25) for _ in range(4)))
    learner.cancel()
    assert (found, turns >= 4 * 5) == ([[]] * 4, True)
    assert [player.kills for player in await index.search("player", limit=1)] == [len(players) - 1]
    assert len(await index.search("new", limit=10**6)) == turns


async def test_close_names_are_searched_among_fewer_players_the_longer_the_text_is() -> None:
    """Letter pairs times players is limited, so a text needs at most a tenth of a second."""
    one_pair, many_pairs = "qx", "".join(chr(0x100 + number) for number in range(TYPED_CHARACTERS))
    compared = MOST_COMPARED // (TYPED_CHARACTERS - 1)
    known = [
        KnownPlayer(PlayerId(f"{number}"), "z", ("z",), compared - number, AT) for number in range(compared)
    ]
    index = await NameIndex.build([*known, KnownPlayer(PlayerId("last"), "qx", ("qx",), 0, AT)])
    assert await index.list_closest(one_pair, limit=5) == ("qx",)
    assert await index.list_closest(f"{one_pair}{many_pairs[2:]}", limit=5) == ()
    assert await index.list_closest(f"{many_pairs}{one_pair}", limit=5) == ()


def learn_all(index: NameIndex, deaths: Iterable[tuple[ServerScope, Death]]) -> None:
    """Learn deaths like ingestion."""
    for scope, death in deaths:
        index.learn(scope, death)


DEATHS = st.lists(
    st.builds(
        lambda scope, killer, victim, second, kind: (
            scope,
            build_death(
                build_row(
                    "" if kind is DeathKind.UNKNOWN else victim if kind.is_suicide else killer,
                    victim,
                    second=second,
                    kind=kind,
                ),
                scope=scope,
            ),
        ),
        st.sampled_from([HERE, THERE]),
        st.sampled_from(["Anna", "Bert", "Carl"]),
        st.sampled_from(["Dora", "Emil", "Anna Two"]),
        st.integers(0, 50),
        st.sampled_from(DeathKind),
    ),
    max_size=25,
)


@settings(max_examples=60)
@given(DEATHS)
def test_learned_deaths_give_kills_servers_and_last_sight_of_everybody(
    deaths: list[tuple[ServerScope, Death]],
) -> None:
    """Only kills are counted; a late row does not set a last sight back."""
    index = NameIndex()
    learn_all(index, deaths)
    seen: dict[PlayerId, list[tuple[ServerScope, Death]]] = {}
    for scope, death in deaths:
        seen.setdefault(death.row.victim_id, []).append((scope, death))
        if death.row.kind.is_kill and death.row.killer_id is not None:
            seen.setdefault(death.row.killer_id, []).append((scope, death))
    found = {player.player_id: player for player in search(index, "")}
    assert found.keys() == seen.keys()
    for player_id, own in seen.items():
        player = found[player_id]
        kills = [death for _, death in own if death.row.killer_id == player_id and death.row.kind.is_kill]
        assert player.kills == len(kills)
        assert player.last_seen_at == max(death.at for _, death in own)
        assert set(player.servers) == {scope.server_id for scope, _ in own}


def test_new_name_is_shown_and_the_old_one_still_found() -> None:
    """A player with a new name is offered under it and found by both."""
    index = NameIndex()
    player_id = build_player_id("Anna")
    index.put(KnownPlayer(player_id, "Anna", ("Anna",), 4, AT, (HERE.server_id,)))
    row = build_row("Anna", "Bert", second=9)._replace(killer_name="Hanna")
    index.learn(THERE, build_death(row))
    expected = KnownPlayer(
        player_id,
        "Hanna",
        ("Anna", "Hanna"),
        5,
        AT + timedelta(seconds=9),
        (HERE.server_id, THERE.server_id),
    )
    assert [search(index, part)[:1] for part in ("hanna", "anna")] == [[expected], [expected]]


def test_late_row_adds_its_name_and_leaves_the_newer_one_shown() -> None:
    """A late row adds its name and does not change the shown name."""
    index = NameIndex()
    player_id = build_player_id("Anna")
    index.put(KnownPlayer(player_id, "Hanna", ("Hanna",), 4, AT + timedelta(hours=1), (HERE.server_id,)))
    index.learn(HERE, build_death(build_row("Anna", "Bert", second=9)))
    assert index.find(player_id) == KnownPlayer(
        player_id, "Hanna", ("Hanna", "Anna"), 5, AT + timedelta(hours=1), (HERE.server_id,)
    )


@pytest.mark.parametrize(
    ("wanted", "close"),
    [
        ("gostdkr67", ["Ghostdkr67"]),
        ("nobody special", []),
        ("wofl", ["Wolf"]),
        ("woolf", ["Wolf"]),
        ("wolff", ["Wolf"]),
        ("frostdai", ["Frostda", "FrostDiuser"]),
        ("hu", []),
        ("viper", []),
    ],
)
async def test_only_close_names_are_offered(wanted: str, close: list[str]) -> None:
    """No name is better than wrong ones, which share a letter pair or two by chance."""
    names = ("Ghostdkr67", "FrostDiuser", "Frostda", "EchoBinod", "CinderUalnSNO", "Wolf", "Hawk")
    players = [KnownPlayer(PlayerId(name), name, (name,), 5, AT) for name in names]
    assert list(await fill(players).list_closest(wanted, limit=3)) == close


LETTERS = st.text("abc", max_size=6)


@given(LETTERS, LETTERS)
def test_wrong_letters_are_counted_up_to_a_limit(first: str, second: str) -> None:
    """Equal texts have none; the order does not matter; beyond the limit the count is the limit and one."""
    count = count_wrong_letters(first, second, 10)
    assert (count == 0) == (first == second)
    assert count == count_wrong_letters(second, first, 10) <= max(len(first), len(second))
    assert count_wrong_letters(first, second, 1) == min(count, 2)


@pytest.mark.parametrize(
    ("other", "count"), [("wolf", 0), ("wofl", 1), ("olf", 1), ("wolfs", 1), ("bolt", 2)]
)
def test_exchanged_letters_are_one_error(other: str, count: int) -> None:
    """Fingers exchange neighbours as often as they miss one."""
    assert count_wrong_letters("wolf", other, 4) == count
