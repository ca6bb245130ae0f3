"""A guild with money: Ann and Bob, two game servers, and players for bounties."""

from datetime import timedelta
from itertools import count

from tests.fakes.clock import START
from tests.fakes.deaths import SCOPE, build_player_id
from tests.fakes.small_bot import Shelf
from tests.fakes.storage import build_server, put_settings
from utils.models.guilds import ChannelKind
from utils.models.players import KnownPlayer
from utils.models.scope import ChannelId, MemberId, ServerId
from utils.services.money.bounties.placing import BountyService, PlacedBounty

GUILD = SCOPE.guild_id
ANN, BOB, ADMIN = MemberId(11), MemberId(22), MemberId(99)
NORTH, SOUTH = build_server("North", "north111"), build_server("South", "south111")
DAY = timedelta(hours=24)


def build_known(name: str, *servers: ServerId) -> KnownPlayer:
    """Return a known player."""
    return KnownPlayer(build_player_id(name), name, (name,), 5, START, servers)


def build_shelf() -> Shelf:
    """Return the guild: Ann has a proven player and money, Bob only a proven player.

    Players are on one server or both.
    """
    shelf = Shelf()
    north, south = NORTH.scope.server_id, SOUTH.scope.server_id
    shelf.servers.servers = {NORTH.scope: NORTH, SOUTH.scope: SOUTH}
    shelf.statistics.players = [
        build_known("AnnPlays", north),
        build_known("BobPlays", north),
        build_known("Wolf", north),
        build_known("Fox", north, south),
        build_known("Foxtrot", south),
    ]
    data = shelf.money.data
    data.members = {build_player_id("AnnPlays"): ANN, build_player_id("BobPlays"): BOB}
    data.balances = {ANN: 10_000, BOB: 99}
    return shelf


REQUESTS = count(1)


async def set_channel(shelf: Shelf) -> None:
    """Give the guild a bounties channel."""
    await put_settings(shelf.guilds, GUILD, channels={ChannelKind.BOUNTIES: ChannelId(5)})


async def place(
    bounties: BountyService,
    player: str = "Wolf",
    amount: int = 1000,
    *,
    by: MemberId = ANN,
    server: str | None = None,
) -> PlacedBounty:
    """Place a bounty."""
    return await bounties.place(
        GUILD, by, player=player, amount=amount, server=server, request_id=next(REQUESTS)
    )
