"""The base of every part of the application."""

from dataclasses import dataclass

from utils.clock import Clock
from utils.composition.storage import Repositories
from utils.events import EventDispatcher
from utils.incident_log import IncidentLog
from utils.settings import Settings
from utils.tasks import TaskManager


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """The parts that every other part may use: configuration, storage, events, tasks, clock, incidents."""

    settings: Settings
    repositories: Repositories
    events: EventDispatcher
    tasks: TaskManager
    clock: Clock
    incidents: IncidentLog
