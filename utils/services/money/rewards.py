"""Pays live kills and bounties in the transaction that stores them.

For each kill, in the order of the log: the open bounties on its victim go to the killer's member, then the
kill itself is paid, then the house may place a bounty on the killer. Only members with a proven link earn
money. A kill between two players of one member, or
of one faction, earns and claims nothing. Whether a claim is in time is
decided by the moment the bot read the kill. If a command or the timer ends the bounty at the same time, the
first transaction wins.
"""

import secrets
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from utils.errors import TierRequiredError
from utils.events import BountiesChanged
from utils.models.deaths import Death
from utils.models.factions import FactionMark
from utils.models.guilds import ChannelKind
from utils.models.money import (
    AUTO_DURATION,
    AUTO_PAUSE,
    PAID_KILLS_OF_A_VICTIM,
    PAID_WINDOW,
    SPREE_KILLS,
    SPREE_WINDOW,
    Bounty,
    BountyEnd,
    BountyState,
    Change,
    LedgerKind,
    PaidKill,
    compute_auto_amount,
    compute_reward,
)
from utils.models.notices.bounties import BountyEvent, BountyNotice
from utils.models.notifications import DirectEvent, tell_placer, tell_target
from utils.models.premium import Feature
from utils.models.scope import MemberId, PlayerId, ServerScope
from utils.services.guilds.guild_settings import SettingsService
from utils.services.ingestion.batch_rules import LiveDeaths, LiveKill, RuleOutcome, RuleUnit
from utils.services.money.bounties.notices import build_bounty_notice
from utils.services.money.money_stores import MoneyUnit
from utils.services.premium.tiers import PremiumService

BOUNTY_ID_BYTES = 9

COUNTED_KILLS = 200
"""Maximum kills of a spree that are counted. It also bounds the work for a forged log."""

READ_KILLS = 1_000
"""How many of a killer's newest kills to read, in case of late rows."""


def make_bounty_id() -> str:
    """Return a fresh id of a bounty: 12 characters."""
    return secrets.token_urlsafe(BOUNTY_ID_BYTES)


class KillRewards:
    """The rule of a batch that pays kills."""

    def __init__(self, settings: SettingsService, premium: PremiumService) -> None:
        self._settings = settings
        self._premium = premium

    async def find_terms(self, scope: ServerScope) -> "RewardTerms | None":
        """Return the current terms for a server; None if nothing is paid.

        Raises:
            StorageError: the settings cannot be read.
        """
        try:
            await self._premium.verify_premium_for_feature(scope.guild_id, Feature.BOUNTIES)
        except TierRequiredError:
            return None
        bounties = (await self._settings.get_settings(scope.guild_id)).bounties
        if not bounties.is_enabled:
            return None
        channel_id = await self._settings.find_channel(scope, ChannelKind.BOUNTIES)
        return RewardTerms(is_auto=bounties.is_auto, is_announced=channel_id is not None)


@dataclass(frozen=True, slots=True)
class RewardTerms:
    """The terms for a server at the moment when a chunk of its log is read.

    Attributes:
        is_auto: True: the house places bounties on players.
        is_announced: True: there is a channel for bounties.
    """

    is_auto: bool
    is_announced: bool

    def judge(self, unit: RuleUnit, batch: LiveDeaths) -> RuleOutcome:
        """Pay the kills of a batch and their claims, in order.

        If no killer is linked and there is no streak, it needs no read beyond those for counting.
        """
        if not batch.kills:
            return RuleOutcome()
        money = unit.money
        players = {player for kill in batch.kills for player in (kill.killer_id, kill.victim_id)}
        payment = _Payment(money, batch, money.find_members(players), money.find_factions(players))
        payment.load(is_auto=self.is_auto)
        for kill in batch.kills:
            payment.pay(kill)
            if self.is_auto and kill.is_news:
                payment.provoke(kill)
        changed = (BountiesChanged(guild_id=batch.scope.guild_id),) if payment.has_changed else ()
        notices = payment.notices if self.is_announced else ()
        return RuleOutcome(notices, changed, claims=payment.claims)


class _Payment:
    """The payment of the kills of one transaction."""

    def __init__(
        self,
        unit: MoneyUnit,
        batch: LiveDeaths,
        members: Mapping[PlayerId, MemberId],
        factions: Mapping[PlayerId, FactionMark],
    ) -> None:
        self._unit = unit
        self._kills = batch.kills
        self._scope = batch.scope
        self._server_name = batch.server_name
        self._read_at = batch.read_at
        self._members = members
        self._factions = dict(factions)
        self._open: dict[PlayerId, list[Bounty]] = {}
        self._paid: list[PaidKill] = []
        self._booked: frozenset[str] = frozenset()
        self._sprees: dict[PlayerId, Sequence[Death]] = {}
        self._resting: set[PlayerId] = set()  # players who may not get another bounty of the house yet
        self.notices: list[BountyNotice] = []
        self.has_changed = False
        self.claims: dict[bytes, int] = {}

    def load(self, *, is_auto: bool) -> None:
        """Read the data that the kills depend on: bounties, earlier payments, and the kills of streaks."""
        kills = self._kills
        earning = [kill for kill in kills if self._find_earner(kill) is not None]
        runs = [kill for kill in kills if is_auto and kill.is_news and kill.streak >= SPREE_KILLS]
        targets = {kill.victim_id for kill in earning} | {kill.killer_id for kill in runs}
        if targets:
            for bounty in self._unit.list_open_bounties(targets):
                self._open.setdefault(bounty.player_id, []).append(bounty)
        if earning:
            self._booked = self._unit.find_booked([_build_key(kill) for kill in earning])
            self._paid = list(
                self._unit.list_paid_kills(
                    {self._members[kill.killer_id] for kill in earning},
                    {kill.victim_id for kill in earning},
                    since=min(kill.death.at for kill in earning) - PAID_WINDOW,
                )
            )
        if runs:
            since = self._read_at - AUTO_PAUSE
            killers = {kill.killer_id for kill in runs}
            self._resting = set(self._unit.find_house_targets(killers, since=since))
        for killer_id in {kill.killer_id for kill in runs}:
            first = min(kill.death.row.written_at for kill in runs if kill.killer_id == killer_id)
            own = sum(kill.killer_id == killer_id for kill in kills)
            # search twice the window, because the wall clock may have jumped
            self._sprees[killer_id] = self._unit.list_live_kills(
                killer_id, since=first - 2 * SPREE_WINDOW, limit=own + READ_KILLS
            )
            if killer_id in self._factions:
                victims = {kill.row.victim_id for kill in self._sprees[killer_id]}
                self._factions |= self._unit.find_factions(victims)

    def pay(self, kill: LiveKill) -> None:
        """Pay the claims of a kill, then the kill itself."""
        member_id = self._find_earner(kill)
        if member_id is None:
            return
        self._claim(kill, member_id)
        self._pay_kill(kill, member_id)

    def provoke(self, kill: LiveKill) -> None:
        """Place or raise the bounty of the house on the killer; a new one only after a pause.

        Without the pause, a group of friends could earn a bounty every minute.
        """
        amount = compute_auto_amount(self._count_victims(kill))
        if amount is None:
            return
        own = self._open.setdefault(kill.killer_id, [])
        standing = next((bounty for bounty in own if bounty.placer_id is None), None)
        if standing is None:
            if kill.killer_id in self._resting:
                return
            self._resting.add(kill.killer_id)
            self.has_changed = True
            bounty = self._build_auto(kill, amount)
            self._unit.insert_bounty(bounty)
            self._unit.tell(tell_target(bounty, self._members.get(kill.killer_id), self._server_name))
            own.append(bounty)
            self.notices.append(
                build_bounty_notice(
                    bounty,
                    BountyEvent.AUTO,
                    self._server_name,
                    at=bounty.placed_at,
                    ends_at=bounty.expires_at,
                    kills=self._count_victims(kill),
                )
            )
        elif (
            standing.is_in_time(self._read_at)
            and standing.amount < amount
            and self._unit.raise_bounty(standing, amount)
        ):
            own[own.index(standing)] = replace(standing, amount=amount)
            self.has_changed = True

    def _find_earner(self, kill: LiveKill) -> MemberId | None:
        """Return the member who is paid; None if killer and victim belong to one member or one faction."""
        member_id = self._members.get(kill.killer_id)
        if member_id == self._members.get(kill.victim_id) or self._are_allies(kill.killer_id, kill.victim_id):
            return None
        return member_id

    def _are_allies(self, killer_id: PlayerId, victim_id: PlayerId) -> bool:
        """Tell whether the members of two players are in one faction now."""
        own, other = self._factions.get(killer_id), self._factions.get(victim_id)
        return own is not None and other is not None and own.faction_id == other.faction_id

    def _claim(self, kill: LiveKill, member_id: MemberId) -> None:
        row, claimed = kill.death.row, []
        end = BountyEnd(BountyState.CLAIMED, self._read_at, member_id, kill.killer_id, row.killer_name)
        if self._open.get(kill.victim_id) and self._unit.is_stopped(member_id):
            return
        for bounty in list(self._open.get(kill.victim_id, ())):
            if bounty.placer_id == member_id or not bounty.is_in_time(self._read_at):
                continue
            self._open[kill.victim_id].remove(bounty)
            if self._unit.close_bounty(bounty, end):
                claimed.append(bounty)
                self._unit.book(
                    Change(
                        member_id=member_id,
                        kind=LedgerKind.BOUNTY_CLAIMED,
                        amount=bounty.amount,
                        key=f"claim:{bounty.bounty_id}",
                        at=self._read_at,
                        note=row.victim_name,
                    )
                )
        if claimed:
            self.has_changed = True
            self.notices.append(self._build_claim_notice(kill, member_id, claimed))
            self._tell_placers(kill, claimed)
            self.claims[kill.death.id] = sum(bounty.amount for bounty in claimed)

    def _tell_placers(self, kill: LiveKill, claimed: Sequence[Bounty]) -> None:
        """Tell the members who placed the claimed bounties, if they asked for that."""
        told = [
            message
            for bounty in claimed
            for message in tell_placer(
                bounty,
                DirectEvent.CLAIMED,
                at=self._read_at,
                server_name=self._server_name,
                claimer_player_id=kill.killer_id,
                claimer_name=kill.death.row.killer_name,
            )
        ]
        self._unit.tell(told)

    def _pay_kill(self, kill: LiveKill, member_id: MemberId) -> None:
        paid = PaidKill(member_id, kill.victim_id, kill.death.at)
        key = _build_key(kill)
        if key in self._booked or self._count_paid(paid) >= PAID_KILLS_OF_A_VICTIM:
            return
        self._paid.append(paid)
        self._unit.book(
            Change(
                member_id=member_id,
                kind=LedgerKind.KILL,
                amount=compute_reward(kill.death.row.distance),
                key=key,
                at=self._read_at,
                note=kill.death.row.victim_name,
                player_id=kill.victim_id,
                killed_at=kill.death.at,
            )
        )

    def _count_paid(self, wanted: PaidKill) -> int:
        """Count the paid kills of the same victim within one hour of this kill."""
        return sum(
            (one.member_id, one.victim_id) == (wanted.member_id, wanted.victim_id)
            and abs(one.killed_at - wanted.killed_at) < PAID_WINDOW
            for one in self._paid
        )

    def _count_victims(self, kill: LiveKill) -> int:
        """Count the players killed by the killer within the hour and since their last death, each once.

        Players of the killer's faction do not count.
        """
        if kill.streak < SPREE_KILLS:
            return 0
        since = kill.death.at - SPREE_WINDOW
        kills = self._sprees[kill.killer_id]
        end = bisect_right(kills, kill.death.order, key=lambda each: each.order)
        run = kills[max(0, end - min(kill.streak, COUNTED_KILLS)) : end]
        victims = {each.row.victim_id for each in run if each.at >= since}
        return sum(not self._are_allies(kill.killer_id, victim_id) for victim_id in victims)

    def _build_auto(self, kill: LiveKill, amount: int) -> Bounty:
        return Bounty(
            scope=self._scope,
            bounty_id=make_bounty_id(),
            player_id=kill.killer_id,
            player_name=kill.death.row.killer_name,
            amount=amount,
            placer_id=None,
            placed_at=self._read_at,
            expires_at=self._read_at + AUTO_DURATION,
        )

    def _build_claim_notice(
        self, kill: LiveKill, member_id: MemberId, claimed: Sequence[Bounty]
    ) -> BountyNotice:
        row = kill.death.row
        return BountyNotice(
            event_id=kill.death.id,
            event=BountyEvent.CLAIMED,
            server_name=self._server_name,
            target_name=row.victim_name,
            amount=sum(bounty.amount for bounty in claimed),
            at=kill.death.at,
            count=len(claimed),
            claimer_id=member_id,
            claimer_name=row.killer_name,
        )


def _build_key(kill: LiveKill) -> str:
    return f"kill:{kill.death.id.hex()}"
