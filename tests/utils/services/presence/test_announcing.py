"""Posts about joins and leaves, and their times."""

from collections.abc import Mapping
from datetime import timedelta

from tests.fakes.deaths import build_player_id
from tests.utils.services.presence.lines import after, depart, enter, follow, say
from utils.models.deadside_log import Registered
from utils.models.presence import ServerPresence
from utils.models.scope import PlayerId
from utils.services.presence.announcing import (
    USUAL_RULES,
    Leaver,
    PresenceNews,
    VisitRules,
    choose_news,
    list_nameless,
)

GHOST = build_player_id("Ghost")


def tell(
    state: ServerPresence,
    seconds: float,
    *,
    is_silent: bool = False,
    names: Mapping[PlayerId, str] | None = None,
    rules: VisitRules = USUAL_RULES,
) -> PresenceNews:
    """Return what is posted at a moment of the log."""
    return choose_news(state, log_now=after(seconds), is_silent=is_silent, names=names or {}, rules=rules)


def show(news: PresenceNews) -> tuple[object, ...]:
    """Return what people see."""
    return news.joined, [(one.name, one.played.total_seconds()) for one in news.left], news.returned


def test_join_is_told_at_once_and_leave_when_the_hold_is_over() -> None:
    """The leave tells the time played, up to the departure."""
    joined = tell(follow([*enter(0, "Ghost"), *enter(1, "Otter")]).freeze(), 2)
    assert show(joined) == (("Ghost", "Otter"), [], 0)
    left = follow(depart(100, "Ghost"), joined.state).freeze()
    assert show(tell(left, 129)) == ((), [], 0)
    told = tell(left, 130)
    assert (told.left, show(told)[2]) == ((Leaver("Ghost", timedelta(seconds=100)),), 0)
    assert show(tell(told.state, 300)) == ((), [], 0)


def test_return_within_the_hold_and_visit_within_one_read_are_silent() -> None:
    """Nothing changed for those who read the posts."""
    online = tell(follow(enter(0, "Ghost")).freeze(), 1).state
    back = follow([*depart(100, "Ghost"), *enter(120, "Ghost")], online).freeze()
    assert show(tell(back, 121)) == ((), [], 0)
    visit = follow([*enter(0, "Ghost"), *depart(50, "Ghost"), *say(90)]).freeze()
    assert show(tell(visit, 200)) == ((), [], 0)


def test_leave_waits_as_long_as_a_community_wants() -> None:
    """The wait may be longer than the 30 seconds after which the session has ended."""
    online = tell(follow(enter(0, "Ghost")).freeze(), 1).state
    gone = follow([*depart(100, "Ghost"), *say(131)], online).freeze()
    at_once, late = VisitRules(hold=timedelta()), VisitRules(hold=timedelta(seconds=300))
    assert show(tell(follow(depart(100, "Ghost"), online).freeze(), 100, rules=at_once))[1] == [
        ("Ghost", 100.0)
    ]
    assert show(tell(gone, 399, rules=late)) == ((), [], 0)
    assert show(tell(gone, 400, rules=late)) == ((), [("Ghost", 100.0)], 0)
    back = follow(enter(300, "Ghost"), tell(gone, 299, rules=late).state).freeze()
    assert show(tell(back, 500, rules=late)) == ((), [], 0)


def test_kinds_that_are_off_are_silent_and_not_made_up_for() -> None:
    """A leave has a post though the join had none."""
    no_joins, no_leaves = VisitRules(shows_joins=False), VisitRules(shows_leaves=False)
    joined = tell(follow(enter(0, "Ghost")).freeze(), 1, rules=no_joins)
    assert (show(joined), show(tell(joined.state, 2))) == (((), [], 0), ((), [], 0))
    gone = follow([*depart(100, "Ghost"), *say(131)], joined.state).freeze()
    assert show(tell(gone, 131, rules=no_joins)) == ((), [("Ghost", 100.0)], 0)
    quiet = tell(gone, 131, rules=no_leaves)
    assert (show(quiet), show(tell(quiet.state, 200))) == (((), [], 0), ((), [], 0))


def test_silent_read_posts_nothing_and_later_leaves_are_told() -> None:
    """A player who was online at the start of the bot may leave with a post."""
    silent = tell(
        follow([*enter(0, "Ghost"), *enter(1, "Otter"), *depart(2, "Otter")]).freeze(), 3, is_silent=True
    )
    assert show(silent) == ((), [], 0)
    later = follow([*depart(100, "Ghost"), *say(131)], silent.state).freeze()
    assert show(tell(later, 131)) == ((), [("Ghost", 100.0)], 0)


def test_post_without_a_name_waits_a_minute_for_it() -> None:
    """The name of a stored player helps; without a name there is never a post."""
    state = follow(say(0, Registered(GHOST))).freeze()
    assert list_nameless(state) == {GHOST}
    assert show(tell(state, 1, names={GHOST: "Ghost"})) == (("Ghost",), [], 0)
    waiting = tell(state, 59).state
    named = follow(enter(59, "Ghost"), waiting).freeze()
    assert show(tell(named, 59)) == (("Ghost",), [], 0)
    given_up = tell(waiting, 60).state
    assert show(tell(follow(enter(61, "Ghost"), given_up).freeze(), 61)) == ((), [], 0)


def test_return_after_a_restart_is_one_line() -> None:
    """Their number is posted when the quiet phase is over, even if its beginning was read in silence."""
    tracker = follow([*enter(0, "Ghost"), *enter(1, "Otter"), *say(50)])
    tracker.end_run("second")
    for line in [*say(100), *enter(150, "Ghost"), *enter(160, "Otter"), *enter(170, "Fox")]:
        tracker.advance(line)
    early = tell(tracker.freeze(), 200, is_silent=True)
    assert show(early) == ((), [], 0)
    assert show(tell(early.state, 400)) == ((), [], 2)
    assert show(tell(tell(early.state, 400).state, 500)) == ((), [], 0)
    assert show(tell(tracker.freeze(), 500, is_silent=True)) == ((), [], 0)
