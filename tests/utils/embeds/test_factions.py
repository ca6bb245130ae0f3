"""Factions as they are shown: a full one, with long figures."""

from datetime import UTC, date, datetime

import pytest

from utils.embeds.factory import EmbedFactory
from utils.embeds.limits import MAX_FIELD_VALUE
from utils.models.factions import (
    MOST_MEMBERS,
    EndedMembership,
    Faction,
    FactionFigures,
    FactionMembers,
    FactionPeriod,
    FactionRank,
)
from utils.models.players import Counters
from utils.models.scope import GuildId, MemberId
from utils.models.statistics import Coverage
from utils.models.texts import text

NOW = datetime(2025, 4, 30, tzinfo=UTC)
GUILD = GuildId(42)
MEMBERS = [MemberId(10**18 + number) for number in range(MOST_MEMBERS)]
WOLVES = Faction(GUILD, "f1", "Wolves", "wolves", "WLF", is_open=True, founded_at=NOW)


def test_full_faction_shows_each_of_its_members() -> None:
    """Their lines need more than one field, which has no name of its own then."""
    ranks = [FactionRank.LEADER, *[FactionRank.OFFICER] * 5, *[FactionRank.MEMBER] * 19]
    members = tuple(FactionPeriod("f1", one, NOW, rank) for one, rank in zip(MEMBERS, ranks, strict=True))
    figures = FactionFigures(
        FactionMembers(WOLVES, members),
        Counters(kills=25_000_000),
        {one: Counters(kills=1_000_000) for one in MEMBERS},
    )
    coverage = Coverage(GUILD, ("north",), where="North", today=date(2025, 4, 30))
    first, second = EmbedFactory().build_faction(figures, coverage).fields[-2:]
    lines = [*first.value.split("\n"), *second.value.split("\n")]
    assert (first.name, second.name) == ("25 members by kills", "\u200b")
    assert len(first.value) <= MAX_FIELD_VALUE
    assert [f"<@{one}>" in line for one, line in zip(MEMBERS, lines, strict=True)] == [True] * MOST_MEMBERS


@pytest.mark.parametrize(
    ("ended", "said"),
    [
        (EndedMembership(WOLVES), "You left **Wolves**."),
        (EndedMembership(WOLVES, successor_id=MemberId(7)), "You left **Wolves**. <@7> leads it now."),
        (
            EndedMembership(WOLVES, is_disbanded=True),
            "You left **Wolves**. You were its last member, so it is disbanded.",
        ),
    ],
)
def test_end_of_a_membership_is_told_with_what_follows(ended: EndedMembership, said: str) -> None:
    """A member may leave, or lose their last link."""
    factory = EmbedFactory()
    assert factory.build_faction_left(ended).description == said
    assert factory.build_unlinked(text("It's gone."), ended).description == f"It's gone.\n\n{said}"
    assert factory.build_unlinked(text("It's gone."), None).description == "It's gone."
