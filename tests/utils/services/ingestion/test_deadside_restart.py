"""A full game server that restarts, from the lines that the engine writes to the posts."""

from datetime import timedelta
from itertools import groupby

from simulation.game_host.battle import Battle
from simulation.game_host.server_life import DOWN, ServerLife, find_restart
from tests.fakes.game_log import GameLogWorld
from utils.models.notices.visits import VisitEvent, VisitNotice
from utils.models.notices.world import WorldEventNotice
from utils.models.presence import LeaveReason
from utils.models.world_events import WorldEventKind

PLAYERS = 50
MINUTE = timedelta(minutes=1)
POLL = timedelta(seconds=10)


async def test_restart_of_a_full_server_is_three_messages_at_most() -> None:
    """All players are thrown out, and come back one by one: that is the restart, and one line about them.

    All stay until then, because players of the simulation stay for some time after a fight.
    """
    world = GameLogWorld()
    restart = find_restart(world.now)
    world.clock.move((restart - 3 * MINUTE - world.now).total_seconds())
    fighters = Battle(1, players=PLAYERS).fighters
    life = ServerLife(1, fighters=fighters, start=world.now, slots=PLAYERS)
    full_at = restart - MINUTE
    while world.now < restart + 7 * MINUTE:
        is_due = world.now <= full_at < world.now + POLL
        written = life.live_until(full_at, present=fighters) if is_due else []
        written += life.live_until(world.now + POLL)
        for begins_run, entries in groupby(written, key=lambda entry: entry.begins_run):
            text = "".join(f"{entry.text}\n" for entry in entries)
            if begins_run:
                world.log.replace(text)
            else:
                world.log.append(text)
        await world.poll(POLL.total_seconds())
        if world.now == restart:
            assert len(world.online) == PLAYERS
    told = [
        one.event if isinstance(one, VisitNotice) else "restart"
        for one in world.store.data.notices
        if one.at >= restart
        and (
            isinstance(one, VisitNotice)
            or (isinstance(one, WorldEventNotice) and one.kind is WorldEventKind.RESTART)
        )
    ]
    assert told == ["restart", VisitEvent.RETURNED]
    assert len(world.online) == PLAYERS
    ended = [one.session for one in world.store.data.sessions.values()]
    thrown_out = [one for one in ended if one.reason is LeaveReason.RESTART]
    assert len(thrown_out) == PLAYERS
    assert restart <= max(one.ended_at for one in thrown_out) < restart + DOWN
