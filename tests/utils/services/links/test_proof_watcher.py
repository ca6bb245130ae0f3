"""The watcher of proofs: it judges pending links by the stored deaths, and shows the outcome."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from tests.fakes.clock import START, FakeClock, settle
from tests.fakes.deaths import SCOPE, build_death, build_player_id, build_row
from tests.fakes.links import (
    FakeChannels,
    FakeLinkStore,
    FakeNotifier,
    FakePlayerFinder,
    FakeProofMessages,
    FakeServerReadings,
)
from tests.fakes.storage import Gate
from utils.events import DeathsStored, EventDispatcher, LinksChanged
from utils.models.audit import AuditAction, AuditEntry, AuditFacts
from utils.models.game_log import GameLogState, LogCursor, SelfCheck
from utils.models.links import Link, LinkState, ProofOutcome, ProofWindow
from utils.models.scope import ChannelId, MemberId
from utils.services.links.proof import GRACE, LONGEST_GRACE
from utils.services.links.proof_watcher import LOOK_SECONDS, ProofWatcher
from utils.services.links.request_alerts import RequestAlerts
from utils.tasks import TaskManager

GUILD = SCOPE.guild_id
ANNA, BERT = MemberId(1), MemberId(2)
FIRST = ProofWindow(START + timedelta(minutes=2), START + timedelta(minutes=4))
SECOND = ProofWindow(START + timedelta(minutes=12), START + timedelta(minutes=14))
LATER = ProofWindow(START + timedelta(minutes=13), START + timedelta(minutes=15))
LATEST = ProofWindow(START + timedelta(minutes=16), START + timedelta(minutes=18))


def build_link(member_id: MemberId = ANNA, name: str = "Wolf", **changes: object) -> Link:
    """Return a pending link with a message."""
    fields: dict[str, object] = {
        "linked_at": START,
        "windows": (FIRST, SECOND),
        "channel_id": ChannelId(5),
        "message_id": 6,
    }
    return Link(GUILD, member_id, build_player_id(name), name, **(fields | changes))  # type: ignore[arg-type] # by name


@dataclass
class Court:
    """A proof watcher with all its parts."""

    clock: FakeClock = field(default_factory=FakeClock)
    tasks: TaskManager = field(init=False)
    store: FakeLinkStore = field(default_factory=FakeLinkStore)
    reading: FakeServerReadings = field(default_factory=FakeServerReadings)
    messages: FakeProofMessages = field(default_factory=FakeProofMessages)
    notifier: FakeNotifier = field(default_factory=FakeNotifier)
    changed: list[LinksChanged] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Build the watcher."""
        self.tasks = TaskManager(self.clock)
        events = EventDispatcher()
        events.register(LinksChanged, self.changed.append)
        self.watcher = ProofWatcher(
            self.store,
            self.store,
            alerts=RequestAlerts(self.store, notifier=self.notifier, settings=FakeChannels()),
            players=FakePlayerFinder("Wolf", "Bear"),
            reading=self.reading,
            messages=self.messages,
            events=events,
            tasks=self.tasks,
            clock=self.clock,
        )

    async def ask(self, *links: Link) -> None:
        """Store requests."""
        for link in links:
            await self.store.put_pending(GUILD, link)

    def die(self, *minutes: float, name: str = "Wolf", read_after: float = 0.1) -> None:
        """Store menu suicides at times of the log, read some minutes after the start."""
        for one in minutes:
            at = START + timedelta(minutes=one)
            self.store.add_suicide(name, at, read_at=START + timedelta(minutes=read_after))

    async def look(self) -> None:
        """Check the guild, and let all outcomes be shown."""
        await self.watcher.look([GUILD])
        await settle()

    async def list_states(self) -> dict[MemberId, LinkState]:
        """Return the state of each link to Wolf."""
        return {key[1]: link.state for key, link in self.store.links.items()}


@pytest.fixture(name="court")
def _court() -> Court:
    return Court()


async def test_link_is_proven_and_told_when_both_windows_hold_a_suicide(court: Court) -> None:
    """Only the log's time decides, so the bot's clock does not matter; the link is main and closed."""
    await court.ask(build_link())
    court.die(3, 13)
    await court.look()
    [link] = court.store.links.values()
    assert (link.state, link.is_main, link.proven_at) == (LinkState.PROVEN, True, START)
    assert (link.windows, link.message_id, court.store.open) == ((), None, set())
    assert court.messages.shown == [(ANNA, ProofOutcome.PROVEN)]
    assert court.changed == [LinksChanged(guild_id=GUILD, member_id=ANNA)]


@pytest.mark.parametrize("minutes", [(), (3,), (13,), (3, 11), (5, 13)])
async def test_link_stays_pending_when_a_window_holds_nothing(
    court: Court, minutes: tuple[float, ...]
) -> None:
    """One suicide is not enough, and one outside the windows does not count."""
    await court.ask(build_link())
    court.die(*minutes)
    court.die(3, 13, name="Bear")
    await court.look()
    assert (await court.list_states(), court.messages.shown) == ({ANNA: LinkState.PENDING}, [])


async def test_windows_are_ticked_off_once_when_they_are_seen(court: Court) -> None:
    """A look that sees nothing new edits nothing; after a restart the message is brought up to date again."""
    await court.ask(build_link(), build_link(BERT, "Bear", message_id=None))
    await court.look()
    assert court.messages.ticked == []
    court.die(13)
    court.die(13, name="Bear")
    for _ in range(2):
        await court.look()
    assert court.messages.ticked == [(6, 1)]
    court.watcher.forget_guild(GUILD)
    await court.look()
    assert court.messages.ticked == [(6, 1)] * 2
    court.die(3)
    await court.look()
    assert (court.messages.ticked, court.messages.shown) == ([(6, 1)] * 2, [(ANNA, ProofOutcome.PROVEN)])


async def test_seen_windows_are_shown_on_the_newer_message_when_its_member_asks_again(court: Court) -> None:
    """The windows of the request stay, so the newer message begins with what was seen before."""
    await court.ask(build_link())
    court.die(3)
    await court.look()
    await court.store.attach_message(GUILD, build_link(), channel_id=ChannelId(5), message_id=7)
    await court.look()
    assert court.messages.ticked == [(6, 1), (7, 1)]


async def test_request_that_ends_is_not_ticked_off(court: Court) -> None:
    """The player belongs to another member, so only the outcome is shown."""
    await court.ask(build_link(), build_link(BERT, windows=(FIRST, LATER)))
    court.die(3, 12.5)
    await court.look()
    assert court.messages.ticked == []


async def test_history_and_what_was_read_before_the_request_prove_nothing(court: Court) -> None:
    """An import stores no time of reading; a server with a wrong clock may have written future times."""
    await court.ask(build_link())
    for minutes in (3, 13):
        court.store.add_suicide("Wolf", START + timedelta(minutes=minutes), read_at=None)
    court.die(3.5, 13.5, read_after=-1)
    await court.look()
    assert await court.list_states() == {ANNA: LinkState.PENDING}


@pytest.mark.parametrize("is_anna_first", [True, False])
async def test_first_to_prove_has_the_player_when_several_do_in_one_look(
    court: Court, *, is_anna_first: bool
) -> None:
    """The member whose proof was complete first by the log wins; the other request ends with a message."""
    winner, loser = (ANNA, BERT) if is_anna_first else (BERT, ANNA)
    await court.ask(build_link(winner), build_link(loser, windows=(FIRST, LATER)))
    court.die(3, 12.5, 14.5)
    await court.look()
    assert await court.list_states() == {winner: LinkState.PROVEN}
    assert sorted(court.messages.shown) == sorted(
        [(winner, ProofOutcome.PROVEN), (loser, ProofOutcome.TAKEN)]
    )


@pytest.mark.parametrize("bert_asked_after_minutes", [-1, 0, 1])
async def test_suicides_that_fit_two_requests_prove_neither(
    court: Court, bert_asked_after_minutes: int
) -> None:
    """A stranger and the owner have requests at the same time, and the owner's suicides match both."""
    asked_at = START + timedelta(minutes=bert_asked_after_minutes)
    stranger = build_link(BERT, windows=(FIRST, LATER), linked_at=asked_at)
    third = build_link(MemberId(3), windows=(FIRST, LATEST))
    await court.ask(build_link(ANNA), stranger, third, build_link(ANNA, "Bear"))
    court.die(3, 13.5, 17, read_after=5)
    court.die(3, 13.5, name="Bear", read_after=5)
    await court.look()
    assert [(link.player_name, link.state) for link in court.store.links.values()] == [
        ("Bear", LinkState.PROVEN)
    ]
    assert sorted(court.messages.shown) == [
        (ANNA, ProofOutcome.PROVEN),
        (ANNA, ProofOutcome.UNCLEAR),
        (BERT, ProofOutcome.UNCLEAR),
        (MemberId(3), ProofOutcome.UNCLEAR),
    ]


async def test_request_that_is_made_anew_meanwhile_is_no_clearer(court: Court) -> None:
    """The stranger asks again with the same times, and the message that shows them tells the end as well."""
    stranger = build_link(BERT, windows=(FIRST, LATER))
    await court.ask(build_link(ANNA), stranger)
    court.die(3, 13.5, read_after=5)
    gate = court.messages.gate = Gate()
    await court.watcher.look([GUILD])
    await gate.has_read.wait()
    assert await court.list_states() == {ANNA: LinkState.OVER, BERT: LinkState.OVER}
    again = replace(stranger, message_id=None, channel_id=None)
    await court.store.attach_message(GUILD, again, channel_id=ChannelId(5), message_id=7)
    gate.may_answer.set()
    await settle()
    await court.look()
    assert (court.store.links, len(court.messages.shown)) == ({}, 3)


async def test_pending_links_end_when_the_player_belongs_to_another(court: Court) -> None:
    """A link that an admin confirms also ends the requests of others."""
    await court.ask(build_link(ANNA))
    await court.store.put_proven(GUILD, build_link(BERT), at=START)
    await court.look()
    assert await court.list_states() == {BERT: LinkState.PROVEN}
    assert court.messages.shown == [(ANNA, ProofOutcome.TAKEN)]


async def test_request_that_was_made_anew_while_its_outcome_was_told_stays(court: Court) -> None:
    """The owner's link ended meanwhile, so the member asked again, with equal times and another message."""
    asked, taken = build_link(ANNA), build_link(BERT)
    await court.ask(asked)
    await court.store.put_proven(GUILD, taken, at=START)
    gate = court.messages.gate = Gate()
    await court.watcher.look([GUILD])
    await gate.has_read.wait()
    await court.store.remove(GUILD, BERT, [taken.player_id], at=START)
    again = replace(asked, channel_id=None, message_id=None)
    await court.ask(again)
    await court.store.attach_message(GUILD, again, channel_id=ChannelId(5), message_id=7)
    gate.may_answer.set()
    await settle()
    assert court.messages.shown == [(ANNA, ProofOutcome.TAKEN)]
    assert await court.store.list_open(GUILD) == [replace(asked, message_id=7)]


async def test_proof_expires_after_the_grace_when_the_logs_were_read(court: Court) -> None:
    """The request ends not earlier; then the message says so and the request is deleted."""
    await court.ask(build_link())
    court.die(3)
    court.reading.last_read_at[SCOPE] = SECOND.ends_at + GRACE
    court.clock.move((SECOND.ends_at + GRACE - START).total_seconds() - 1)
    await court.look()
    assert await court.list_states() == {ANNA: LinkState.PENDING}
    court.clock.move(1)
    await court.look()
    assert (await court.list_states(), court.store.open) == ({}, set())
    assert court.messages.shown == [(ANNA, ProofOutcome.EXPIRED)]


async def test_log_has_what_became_of_each_request(court: Court) -> None:
    """A proof and the end of a request have a line each, and name no player."""
    await court.ask(build_link(ANNA), build_link(BERT, "Bear"))
    court.die(3, 13)
    court.reading.last_read_at[SCOPE] = SECOND.ends_at + GRACE
    court.clock.move((SECOND.ends_at + GRACE - START).total_seconds())
    with capture_logs() as entries:
        await court.look()
    told = [{key: one[key] for key in one if key != "log_level"} for one in entries]
    assert told == [
        {"event": "a link is proven", "guild": GUILD},
        {"event": "a request is over", "guild": GUILD, "outcome": "expired"},
    ]


async def test_proof_waits_for_a_host_that_is_away_and_takes_late_rows(court: Court) -> None:
    """A suicide that was written in time counts, even if it is read late; the wait has a limit."""
    await court.ask(build_link(ANNA), build_link(BERT, "Bear"))
    court.reading.last_read_at[SCOPE] = START
    court.clock.move((SECOND.ends_at + LONGEST_GRACE - START).total_seconds() - 1)
    await court.look()
    assert court.messages.shown == []
    court.die(3, 13, read_after=130)
    court.clock.move(1)
    await court.look()
    assert court.messages.shown == [(ANNA, ProofOutcome.PROVEN), (BERT, ProofOutcome.EXPIRED)]


async def test_outcome_is_told_later_when_discord_is_away(court: Court) -> None:
    """The link counts at once; its message is updated once, after any number of checks."""
    await court.ask(build_link())
    court.die(3, 13)
    court.messages.is_there.clear()
    for _ in range(3):
        await court.look()
    assert (await court.list_states(), len(court.store.open)) == ({ANNA: LinkState.PROVEN}, 1)
    court.messages.is_there.set()
    await settle()
    assert (court.messages.tries, court.messages.shown) == (1, [(ANNA, ProofOutcome.PROVEN)])
    assert court.store.open == set()


async def test_message_that_hangs_holds_up_no_other_proof(court: Court) -> None:
    """Discord takes a minute for one message; meanwhile other proofs are judged and shown."""
    await court.ask(build_link())
    court.die(3, 13)
    gate = court.messages.gate = Gate()
    await court.watcher.look([GUILD])
    await gate.has_read.wait()
    court.messages.gate = None
    await court.ask(build_link(BERT, "Bear"))
    court.die(3, 13, name="Bear")
    await court.look()
    assert court.messages.shown == [(BERT, ProofOutcome.PROVEN)]
    gate.may_answer.set()
    await settle()
    assert court.messages.shown == [(BERT, ProofOutcome.PROVEN), (ANNA, ProofOutcome.PROVEN)]


async def test_outcome_whose_telling_was_broken_off_is_told_by_the_next_look(court: Court) -> None:
    """The bot left the guild and came back while Discord accepted nothing."""
    await court.ask(build_link())
    court.die(3, 13)
    court.messages.is_there.clear()
    await court.look()
    await court.tasks.cancel_guild(GUILD)
    court.messages.is_there.set()
    assert (court.messages.shown, len(court.store.open)) == ([], 1)
    await court.look()
    assert (court.messages.shown, court.store.open) == ([(ANNA, ProofOutcome.PROVEN)], set())


async def test_end_of_a_request_is_told_by_the_next_process(court: Court) -> None:
    """The bot is killed before the messages show that two requests fit, and that an admin refused one."""
    await court.ask(build_link(), build_link(BERT), build_link(ANNA, "Bear"))
    court.die(3, 13)
    court.messages.is_there.clear()
    await court.look()
    entry = AuditEntry(START, BERT, AuditAction.LINK_REMOVE, AuditFacts())
    assert await court.store.refuse(GUILD, build_link(ANNA, "Bear"), entry=entry)
    await court.tasks.stop()

    successor = Court(store=court.store, clock=court.clock)
    await successor.look()
    assert sorted(successor.messages.shown) == [
        (ANNA, ProofOutcome.REFUSED),
        (ANNA, ProofOutcome.UNCLEAR),
        (BERT, ProofOutcome.UNCLEAR),
    ]
    assert (court.store.links, court.store.open) == ({}, set())


async def test_alert_that_is_due_is_begun_by_the_next_look(court: Court) -> None:
    """A process was killed after it had stored a request, and before it alerted the admins."""
    await court.ask(replace(build_link(), untold=1), build_link(BERT))
    await court.look()
    [(_, told)] = court.notifier.told
    assert told.startswith("<@1> asks to be linked to **Wolf**")
    assert [link.untold for link in court.store.links.values()] == [0, 0]


@pytest.fixture(name="running")
async def _running(court: Court) -> AsyncIterator[Court]:
    """Run the watcher as a task."""
    tasks = TaskManager(court.clock)
    tasks.start("links:proofs", court.watcher.run, is_critical=True)
    await settle()
    yield court
    await tasks.stop()


async def test_first_look_after_a_start_judges_what_came_before(court: Court) -> None:
    """A restart between the suicides and the judgement loses nothing."""
    await court.ask(build_link())
    court.die(3, 13)
    tasks = TaskManager(court.clock)
    tasks.start("links:proofs", court.watcher.run, is_critical=True)
    await settle()
    await tasks.stop()
    assert court.messages.shown == [(ANNA, ProofOutcome.PROVEN)]


async def test_menu_suicide_wakes_the_judge_and_other_deaths_do_not(running: Court) -> None:
    """A stored suicide starts the check at once; in a guild without pending links there is no check."""
    suicide = build_row("Wolf", "Wolf")
    running.die(3, 13)
    await running.ask(build_link())
    running.watcher.on_deaths_stored(DeathsStored(scope=SCOPE, deaths=(build_death(suicide),)))
    await settle()
    assert running.messages.shown == []
    running.store.suicides.clear()
    running.watcher.stir(GUILD)
    await settle()
    running.die(3, 13)
    kill = build_row("Bear", "Wolf")
    running.watcher.on_deaths_stored(DeathsStored(scope=SCOPE, deaths=(build_death(kill),)))
    await settle()
    assert running.messages.shown == []
    running.watcher.on_deaths_stored(DeathsStored(scope=SCOPE, deaths=(build_death(suicide),)))
    await settle()
    assert running.messages.shown == [(ANNA, ProofOutcome.PROVEN)]


async def test_judge_looks_again_by_itself(running: Court) -> None:
    """No event announces the end of a proof, so the watcher also checks by time."""
    await running.ask(build_link())
    running.die(3, 13)
    await running.clock.advance(LOOK_SECONDS)
    assert running.messages.shown == [(ANNA, ProofOutcome.PROVEN)]


async def test_farewell_is_told_once_where_there_is_a_message(running: Court) -> None:
    """The member's link is deleted from the storage, and its message says so."""
    running.watcher.tell(build_link(BERT, message_id=None), ProofOutcome.ENDED)
    running.watcher.tell(build_link(), ProofOutcome.ENDED)
    await settle()
    await running.clock.advance(LOOK_SECONDS)
    assert running.messages.shown == [(ANNA, ProofOutcome.ENDED)]


async def test_outcome_without_a_stored_link_is_shown_once_it_can_be(running: Court) -> None:
    """Discord may limit requests; without a later try the message would keep its invalid times."""
    running.messages.is_there.clear()
    running.watcher.tell(build_link(), ProofOutcome.ENDED)
    await running.clock.advance(LOOK_SECONDS)
    assert running.messages.shown == []
    running.messages.is_there.set()
    await running.clock.advance(LOOK_SECONDS)
    assert running.messages.shown == [(ANNA, ProofOutcome.ENDED)]


@given(
    deaths=st.lists(st.tuples(st.integers(0, 1200), st.sampled_from(["Wolf", "Bear"])), max_size=12),
    cuts=st.lists(st.integers(0, 12), max_size=4),
)
async def test_outcome_is_the_same_however_the_deaths_arrive(
    deaths: list[tuple[int, str]], cuts: list[int]
) -> None:
    """With any order and portions of deaths, a link is proven exactly if both windows have a suicide."""
    court = Court()
    await court.ask(build_link())
    for number, (second, name) in enumerate(deaths):
        court.die(second / 60, name=name)
        if number in cuts:
            await court.look()
    await court.look()
    own = [START + timedelta(seconds=second) for second, name in deaths if name == "Wolf"]
    is_proven = all(any(window.holds(at) for at in own) for window in (FIRST, SECOND))
    assert await court.list_states() == {ANNA: LinkState.PROVEN if is_proven else LinkState.PENDING}


async def test_leaving_counts_only_where_the_log_is_well(court: Court) -> None:
    """A log that is not read, quiet, or whose rules have aged promises nothing, nor does that of another."""
    servers = [SCOPE.server_id]
    assert not await court.watcher.counts_leaving(GUILD, servers)
    court.reading.last_read_at[SCOPE] = START
    assert not await court.watcher.counts_leaving(GUILD, servers)
    well = GameLogState(cursor=LogCursor("run"), read_at=START, grown_at=START)
    court.reading.logs[SCOPE] = well
    assert await court.watcher.counts_leaving(GUILD, servers)
    assert not await court.watcher.counts_leaving(GUILD, [])
    for state in (
        replace(well, check=SelfCheck(START, 20, 10)),
        replace(well, grown_at=START - timedelta(hours=1)),
        replace(well, missing_since=START),
    ):
        court.reading.logs[SCOPE] = state
        assert not await court.watcher.counts_leaving(GUILD, servers)
