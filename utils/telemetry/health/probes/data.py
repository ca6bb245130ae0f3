"""The probe of the data: what the verifications of the start and of the night found."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from utils.models.incident_kinds import IncidentKind
from utils.models.incidents import WHOLE_BOT, CheckState, Finding, IncidentKey
from utils.models.texts import Moment, Text, join, plural, text
from utils.models.verification import DataCheck, DataFault, DataFinding
from utils.telemetry.health.checker import Probe

KIND = IncidentKind.DATA_DIFFERS
MONEY = "money"
SHOWN = 3  # faults that a sentence names


class CheckedData(Protocol):  # implemented by DataChecks
    """Remembers the last full verification."""

    async def find(self) -> DataCheck | None:
        """Return its result; None before the first one."""


@dataclass(eq=False)
class DataWatch:
    """The knowledge about the data.

    Attributes:
        full: the last full verification; None before the first one.
        sampled: what samples showed since then.
    """

    store: CheckedData
    full: DataCheck | None = None
    sampled: Sequence[DataFinding] = field(default=())
    is_loaded: bool = False

    def note_full(self, check: DataCheck) -> None:
        """Note a full verification, which knows more than the samples before it."""
        self.full, self.sampled, self.is_loaded = check, (), True

    async def look(self) -> Sequence[Finding]:
        """Return what is wrong, for the owners, and for each community whose money is concerned."""
        if not self.is_loaded:
            self.full, self.is_loaded = await self.store.find(), True
        found = [*(self.full.findings if self.full else ()), *self.sampled]
        guilds = {one.guild_id for one in found if one.fault is DataFault.LEDGER and one.guild_id is not None}
        money = text("The ledger of a member is broken. Their wallet is stopped until it's whole again.")
        return (
            Finding(IncidentKey(WHOLE_BOT, KIND), _find_worst(found), self._describe(found)),
            *(
                Finding(IncidentKey(guild_id, KIND, MONEY), CheckState.CRITICAL, money)
                for guild_id in sorted(guilds)
            ),
        )

    def build(self) -> Probe:
        """Return the probe."""
        return Probe(kind=KIND, look=self.look, is_shared=True)

    def _describe(self, found: Sequence[DataFinding]) -> Text:
        if found:
            first = sorted(found, key=lambda one: -one.state)[:SHOWN]
            rest = len(found) - len(first)
            more = [plural("And {count} more.", "And {count} more.", rest)] if rest else []
            return join([_show(one) for one in first] + more)
        if self.full is None:
            return text("Samples are as they should be. Everything is verified after the next backup.")
        return text("The data is as it should be, verified {moment}.", moment=Moment(self.full.checked_at))


def _find_worst(found: Sequence[DataFinding]) -> CheckState:
    return max((one.state for one in found), default=CheckState.OK)


def _show(finding: DataFinding) -> Text:
    return text("{fault} It's being repaired.", fault=finding.said) if finding.is_repaired else finding.said
