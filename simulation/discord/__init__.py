"""A strict Discord on loopback, for the demo, the tests and the benchmarks.

`async with SimulatedDiscord() as discord:` gives `discord.api_base_url` for py-cord's
`discord.Route.API_BASE_URL` and `discord.token` for the bot; `discord.create_guild(...)` makes servers with
people and channels. The simulation imports nothing of the bot.
"""

from simulation.discord.client import Interaction, Member
from simulation.discord.entities import (
    Attachment,
    Channel,
    ChannelKind,
    Guild,
    InteractionKind,
    Membership,
    Message,
    Role,
    User,
)
from simulation.discord.errors import (
    ApiError,
    ErrorCode,
    ImpossibleActionError,
    InvalidOptionError,
    UnansweredError,
    UnknownCommandError,
)
from simulation.discord.faults import GATEWAY_ROUTE, Fault
from simulation.discord.interactions import CallbackKind, Modal
from simulation.discord.mentions import Pings
from simulation.discord.options import Forged
from simulation.discord.permissions import Permission
from simulation.discord.requests import ContractViolation, ReceivedRequest, Refusal
from simulation.discord.server import SimulatedDiscord

__all__ = [
    "GATEWAY_ROUTE",
    "ApiError",
    "Attachment",
    "CallbackKind",
    "Channel",
    "ChannelKind",
    "ContractViolation",
    "ErrorCode",
    "Fault",
    "Forged",
    "Guild",
    "ImpossibleActionError",
    "Interaction",
    "InteractionKind",
    "InvalidOptionError",
    "Member",
    "Membership",
    "Message",
    "Modal",
    "Permission",
    "Pings",
    "ReceivedRequest",
    "Refusal",
    "Role",
    "SimulatedDiscord",
    "UnansweredError",
    "UnknownCommandError",
    "User",
]
