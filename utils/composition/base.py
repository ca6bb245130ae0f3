"""The base of every part of the application."""

from dataclasses import dataclass

from utils.clock import Clock
from utils.composition.storage import Repositories
from utils.events import EventDispatcher
from utils.incident_log import IncidentLog
from utils.settings import Settings
from utils.tasks import TaskManager
from utils.telemetry.error_writer import ErrorWriter
from utils.telemetry.errors import ErrorTelemetry


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """The parts that every other part may use, from the configuration and the storage to the clock."""

    settings: Settings
    repositories: Repositories
    events: EventDispatcher
    tasks: TaskManager
    errors: ErrorTelemetry
    error_writer: ErrorWriter
    clock: Clock
    incidents: IncidentLog
