"""The probe of the data: what it says of the last verifications, to whom."""

from dataclasses import dataclass

from tests.fakes.clock import START
from utils.models.incidents import WHOLE_BOT, CheckState
from utils.models.scope import GuildId, MemberId, ServerId
from utils.models.verification import DataCheck, DataFault, DataFinding
from utils.telemetry.health.probes.data import DataWatch

GUILD = GuildId(42)
COUNTERS = DataFinding(DataFault.COUNTERS, GUILD, ServerId("aaaaaaaa"), found=3)
LEDGER = DataFinding(DataFault.LEDGER, GUILD, member_id=MemberId(7))
INDEX = DataFinding(DataFault.INDEX, detail="boards: the index board is missing")
SAID = "3 figures aren't what the deaths say: the game server aaaaaaaa of the community 42."
SAMPLES = "Samples are as they should be. Everything is verified after the next backup."


@dataclass
class FakeChecks:
    """Remembers one result."""

    check: DataCheck | None = None

    async def find(self) -> DataCheck | None:
        """Return it."""
        return self.check


async def look(watch: DataWatch) -> list[tuple[GuildId, CheckState, str]]:
    """Return each finding in short."""
    return [(one.key.guild_id, one.state, str(one.said)) for one in await watch.look()]


async def test_last_verification_is_remembered_over_a_restart() -> None:
    """The faults of the night stay until the next night; those of the start come to them."""
    assert await look(DataWatch(FakeChecks())) == [
        (
            WHOLE_BOT,
            CheckState.OK,
            "Samples are as they should be. Everything is verified after the next backup.",
        )
    ]
    watch = DataWatch(FakeChecks(DataCheck(START, [COUNTERS.repaired()])))
    assert await look(watch) == [(WHOLE_BOT, CheckState.WARN, f"{SAID} It's being repaired.")]
    watch.sampled = [INDEX]
    [(_, state, said)] = await look(watch)
    assert state is CheckState.WARN
    assert said.endswith("An index isn't as it should be (boards: the index board is missing).")
    watch.note_full(DataCheck(START))
    [(_, state, said)] = await look(watch)
    assert (state, said.startswith("The data is as it should be, verified ")) == (CheckState.OK, True)


async def test_community_learns_of_its_broken_ledger_and_owners_of_everything() -> None:
    """The owners read three faults, the worst first; a community reads of its money alone."""
    watch = DataWatch(FakeChecks())
    watch.note_full(DataCheck(START, [INDEX, COUNTERS.repaired(), LEDGER, COUNTERS]))
    [(_, worst, said), money] = await look(watch)
    ledger = "Rows are missing or wrong in a ledger of the community 42."
    assert (worst, said) == (CheckState.CRITICAL, f"{ledger} {SAID} {INDEX.said} And 1 more.")
    assert money == (
        GUILD,
        CheckState.CRITICAL,
        "The ledger of a member is broken. Their wallet is stopped until it's whole again.",
    )
