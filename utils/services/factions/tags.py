"""The tags of factions in the killfeed: they are stored with the notice of a kill."""

from dataclasses import dataclass

from utils.errors import TierRequiredError
from utils.models.premium import Feature
from utils.models.scope import ServerScope
from utils.services.ingestion.batch_rules import LiveDeaths, RuleOutcome, RuleUnit
from utils.services.premium.tiers import PremiumService


class FactionTags:
    """The rule of a batch that finds the factions of its players."""

    def __init__(self, premium: PremiumService) -> None:
        self._premium = premium

    async def find_terms(self, scope: ServerScope) -> "TagTerms | None":
        """Return the terms for a server; None if its guild has no factions."""
        try:
            await self._premium.verify_premium_for_feature(scope.guild_id, Feature.FACTIONS)
        except TierRequiredError:
            return None
        return TagTerms()


@dataclass(frozen=True, slots=True)
class TagTerms:
    """The terms of a server whose guild may have factions."""

    def judge(self, unit: RuleUnit, batch: LiveDeaths) -> RuleOutcome:
        """Return the tags of the players of a batch; their links are read together with their counters."""
        players = {death.row.victim_id for death in batch.deaths}
        players |= {kill.killer_id for kill in batch.kills}
        marks = unit.money.find_factions(players)
        return RuleOutcome(tags={player_id: mark.tag for player_id, mark in marks.items()})
