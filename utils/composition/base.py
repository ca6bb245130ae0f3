"""The base of every part of the application."""

from dataclasses import dataclass

from utils.clock import Clock
from utils.composition.storage import Repositories
from utils.events import EventDispatcher
from utils.settings import Settings
from utils.tasks import TaskManager
from utils.telemetry.errors import ErrorTelemetry


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """The configuration, the storage, the dispatcher of events, the tasks, the errors and the clock."""

    settings: Settings
    repositories: Repositories
    events: EventDispatcher
    tasks: TaskManager
    errors: ErrorTelemetry
    clock: Clock
