"""Communities that are gone: half of what a backup has, or more, without an entry of the audit.

The bot deletes no settings, and a game server alone by hand. So a large loss is not a person's doing.
"""

from collections.abc import Iterator
from datetime import timedelta

from utils.models.verification import DataFault, DataFinding, KeptCommunities
from utils.services.verification.stores import VerifiedData

SPARE = timedelta(minutes=5)
"""The clock of MongoDB, which gives the moment of a backup, may be so much ahead of the audit's."""


def find_gone(data: VerifiedData, kept: KeptCommunities) -> Iterator[DataFinding]:
    """Yield a finding if half of the communities are gone, and for each one without half of its servers."""
    stored = frozenset(data.list_communities())
    if _is_half(len(kept.settings - stored), len(kept.settings)):
        left = len(kept.settings & stored)
        yield DataFinding(DataFault.GONE, found=left, expected=len(kept.settings))
    servers = data.count_servers()
    for guild_id, expected in kept.servers.items():
        found = servers.get(guild_id, 0)
        if _is_half(expected - found, expected):
            removed = data.count_removals(guild_id, since=kept.at - SPARE)
            if _is_half(expected - found - removed, expected):
                yield DataFinding(DataFault.GONE, guild_id, found=found, expected=expected)


def _is_half(gone: int, of: int) -> bool:
    return gone > 0 and 2 * gone >= of
