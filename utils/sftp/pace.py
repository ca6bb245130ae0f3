"""Pace: when each handshake with a host may begin, so that logins a second stay bounded."""

from utils.sftp.login import HostLogin


class HandshakePace:
    """Spaces the beginnings of handshakes with one host, over all guilds."""

    def __init__(self, spacing_seconds: float) -> None:
        self._spacing = spacing_seconds
        self._free_at: dict[tuple[str, int], float] = {}

    def reserve(self, login: HostLogin, *, now: float) -> float:
        """Take the next beginning at the login's host; return how many seconds away it is."""
        begins_at = max(now, self._free_at.get(login.host_and_port, now))
        self._free_at[login.host_and_port] = begins_at + self._spacing
        return begins_at - now

    def forget_past(self, *, now: float) -> None:
        """Drop the hosts whose next handshake may begin at once anyway."""
        self._free_at = {host: free_at for host, free_at in self._free_at.items() if free_at > now}
