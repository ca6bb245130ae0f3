"""Moments of work on a database: something happens right before one of its commands is sent."""

from collections.abc import Callable

from pymongo import monitoring

from tests.fakes.forked import end_process

LONGEST_DELAY = 0.004  # seconds; a command takes about one millisecond


class Moment(monitoring.CommandListener):
    """Does something before a chosen command is sent, once it is armed.

    Attributes:
        left: the number of commands until then.
        seen: the number of commands since it was made.
    """

    def __init__(self) -> None:
        self.left = self.seen = 0
        self.act: Callable[[], object] = end_process

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        """Count a command; a lease is renewed at any time, so it does not count."""
        if event.command.get("update") == "leases":
            return
        self.seen += 1
        if self.left:
            self.left -= 1
            if self.left == 0:
                self.act()

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """Ignore an answer."""

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """Ignore a failure."""
