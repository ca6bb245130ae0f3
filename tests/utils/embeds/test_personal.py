"""The texts of an export and an erasure: deleted data, kept data, and no id of a player."""

from dataclasses import replace

import pytest

from utils.embeds.factory import EmbedFactory
from utils.models.personal import Holdings, Person
from utils.models.players import NamedPlayer
from utils.models.roles import RoleId
from utils.models.scope import GuildId, MemberId, PlayerId

FACTORY = EmbedFactory()
PIKE = NamedPlayer(PlayerId("0002" + "a" * 28), "Pike_*")
MEMBER = Person(GuildId(42), MemberId(7), (PIKE,), is_asker=True)
PLAYER = Person(GuildId(42), None, (PIKE,), is_asker=False)


def test_first_file_says_how_to_open_it_and_the_others_which_part_they_are() -> None:
    """Few people know this kind of file."""
    first, third = FACTORY.build_export(1), FACTORY.build_export(3)
    assert "`data.json`" in str(first.description)
    assert third.description == "Part 3: `kills.csv`, continued."


def test_question_lists_what_goes_and_what_stays() -> None:
    """Money that is held for bounties, and changes by hand, are named if there are any."""
    others = Holdings(roles=2, has_level=True, has_notifications=True)
    holdings = replace(others, links=2, balance=1234, ledger_rows=56, open_bounties=3, changes=4)
    full = str(FACTORY.build_erase_question(MEMBER, holdings).description)
    for part in (
        r"**Pike\_\***: all names, stats and time played",
        "stay under “erased player”",
        "2 links",
        "a wallet with 1,234 💎 and 56 changes",
        "3 open bounties of theirs; their money goes with the wallet",
        "2 roles of role rules",
        "the level that I know of them",
        "what they chose with `/notify`, and direct messages that wait",
        "stays: 4 changes they made as an admin",
        "You can't undo this.",
        "Other Discord servers that use this game server keep their own data",
    ):
        assert part in full
    assert PIKE.player_id not in full
    plain = str(FACTORY.build_erase_question(MEMBER, Holdings(links=1)).description)
    assert plain.splitlines()[-4:-1] == ["• open bounties on them: paid back", "• 1 link", ""]


def test_question_about_a_player_alone_promises_nothing_of_a_wallet() -> None:
    """The member keeps the wallet; only the link to this player ends."""
    text = str(FACTORY.build_erase_question(PLAYER, Holdings()).description)
    assert ("the link to their member" in text, "wallet" in text) == (True, False)


@pytest.mark.parametrize(
    ("person", "begins"),
    [
        (
            MEMBER,
            "1,234 deaths now show “erased player”. Names, stats, time played, links and wallet are gone. If",
        ),
        (PLAYER, "1,234 deaths now show “erased player”. If they keep playing, they start again"),
        (
            Person(GuildId(42), MemberId(7), (), is_asker=True),
            "Links and wallet are gone. If you keep playing, you start again",
        ),
    ],
)
def test_answer_says_what_is_gone_and_that_playing_begins_a_new_record(person: Person, begins: str) -> None:
    """A person who was erased must know that playing on creates new data."""
    embed = FACTORY.build_erased(person, deaths=1234)
    assert embed.title == "✅ Erased"
    assert str(embed.description).startswith(begins)
    kept = FACTORY.build_erased(person, deaths=1234, kept=[RoleId(7), RoleId(8)])
    assert "ask an admin to remove them: <@&7>, <@&8>." in str(kept.description)
