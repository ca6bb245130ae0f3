"""Small texts that several commands say."""

from collections.abc import Iterable, Sequence

from utils.models.scope import ServerId
from utils.models.servers import GameServer


def describe_where(servers: Iterable[GameServer], server_ids: Sequence[ServerId]) -> str:
    """Return what an answer covers: a server's name, or how many servers are summed."""
    names = [server.name for server in servers if server.scope.server_id in server_ids]
    return names[0] if len(names) == 1 else f"all {len(names)} servers"
