"""The answer to ``/notify``: a list, and why all of it was switched off."""

import pytest

from utils.embeds.factory import EmbedFactory
from utils.models.notifications import DirectProblem, Notifications, Topic
from utils.models.scope import MemberId

ANNA = MemberId(1)


@pytest.mark.parametrize(
    ("problem", "reason"),
    [
        (DirectProblem.CLOSED, "I switched them off, because Discord didn't let me write to you."),
        (DirectProblem.GONE, "I switched them off, because Discord didn't know you."),
    ],
)
def test_list_says_first_why_nothing_is_sent_any_more(problem: DirectProblem, reason: str) -> None:
    """All topics are off then; without a problem the list says nothing of one."""
    factory = EmbedFactory()
    stopped = str(factory.build_notifications(Notifications(ANNA, problem=problem)).description)
    usual = str(factory.build_notifications(Notifications(ANNA)).description)
    assert stopped.startswith(reason)
    assert stopped.endswith(f" on again.\n\n{usual}")
    assert (usual.count(": **off**"), usual.count(": **on**")) == (len(Topic), 0)
