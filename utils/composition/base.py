"""What every part of the application is built with."""

from dataclasses import dataclass

from utils.clock import Clock
from utils.composition.storage import Repositories
from utils.events import EventDispatcher
from utils.settings import Settings
from utils.tasks import TaskManager


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """The configuration, the storage, and what carries events, tasks and time."""

    settings: Settings
    repositories: Repositories
    events: EventDispatcher
    tasks: TaskManager
    clock: Clock
