"""Builds error telemetry, with the knowledge of all rooms about their libraries."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from utils.clock import Clock
from utils.composition.base import Base
from utils.composition.delivery import Delivery
from utils.database.core.faults import read_mongodb_facts
from utils.delivery.error_messages import ErrorMessages
from utils.delivery.owner_places import OwnerPlaces
from utils.delivery.restore_messages import RestoreMessages
from utils.interactions.operators import Operators
from utils.interactions.reaching import is_refused, is_trouble, read_discord_facts
from utils.models.scope import GuildId
from utils.redaction import Redactor
from utils.settings import Settings
from utils.telemetry.error_alerts import ErrorAlerts
from utils.telemetry.error_writer import ErrorStore, ErrorWriter
from utils.telemetry.errors import ErrorTelemetry
from utils.telemetry.guides import find_group_guide
from utils.telemetry.hooks import report_unhandled
from utils.telemetry.kinds import LibraryErrors
from utils.telemetry.last_words import STATUS_FOLDER, last_words


def build_errors(clock: Clock, redactor: Redactor) -> ErrorTelemetry:
    """Return the place where every error of the process goes."""
    library_errors = LibraryErrors(
        facts=(read_mongodb_facts, read_discord_facts), is_refusal=is_refused, is_trouble=is_trouble
    )
    return ErrorTelemetry(clock, library_errors=library_errors, redact=redactor.redact)


def build_error_writer(
    errors: ErrorTelemetry, store: ErrorStore, settings: Settings, clock: Clock
) -> ErrorWriter:
    """Return the part that writes what was counted."""
    return ErrorWriter(errors, store, folder=settings.data_dir / STATUS_FOLDER, clock=clock)


def build_owner_places(base: Base, delivery: Delivery, operators: Operators) -> OwnerPlaces:
    """Return the places where the owners of the bot are told something."""
    return OwnerPlaces(
        delivery.places,
        delivery.sender,
        list_owner_ids=operators.list_owner_ids,
        home_guild_id=find_home_guild(base),
    )


def build_restore_messages(base: Base, delivery: Delivery, operators: Operators) -> RestoreMessages:
    """Return the messages to the owners about restores that they asked for."""
    owners = build_owner_places(base, delivery, operators)
    return RestoreMessages(owners, languages=delivery.languages, home_guild_id=find_home_guild(base))


def find_home_guild(base: Base) -> GuildId | None:
    """Return the guild of the people who host the bot, if there is one."""
    home = base.settings.discord.home_guild_id
    return None if home is None else GuildId(home)


def build_error_alerts(base: Base, delivery: Delivery, operators: Operators) -> ErrorAlerts:
    """Return the alerts to the owners; they hear of what is written."""
    owners, home_guild_id = build_owner_places(base, delivery, operators), find_home_guild(base)
    messages = ErrorMessages(
        owners, languages=delivery.languages, find_guide=find_group_guide, home_guild_id=home_guild_id
    )
    alerts = ErrorAlerts(base.repositories.errors, messages, clock=base.clock, errors=base.errors)
    base.error_writer.listener = alerts.note
    return alerts


@asynccontextmanager
async def watch_errors(settings: Settings, errors: ErrorTelemetry) -> AsyncIterator[None]:
    """Report what nobody handles, and what ended the process before, during a block."""
    words = last_words(
        settings.data_dir / STATUS_FOLDER,
        describe=errors.describe_last_words,
        count=errors.count_last_words,
    )
    with words, report_unhandled(errors):
        yield
