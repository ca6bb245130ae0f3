"""Documents of game servers, of their health, and of running imports."""

from collections.abc import Iterable, Mapping

from utils.database.documents.codec import Codec, Document
from utils.database.documents.text_documents import build_text, read_text
from utils.models.counters import CounterRecord
from utils.models.deaths import LogFile
from utils.models.event_settings import EventSettings
from utils.models.reading import CatchUp, CaughtUp, Cursor, ImportJob
from utils.models.scope import ServerScope
from utils.models.servers import GameServer, ServerHealth

SERVERS = Codec(GameServer, without=frozenset({"scope", "secret"}))
EVENT_SETTINGS = Codec(EventSettings)
HEALTH = Codec(
    ServerHealth,
    without=frozenset(
        {"scope", "problem", "lines_read", "lines_rejected", "next_try_at", "others", "game_log"}
    ),
)
IMPORTS = Codec(ImportJob, without=frozenset({"ends", "catch_up"}))
CAUGHT_UP = Codec(CaughtUp)
COUNTERS = Codec(CounterRecord)
CATCH_UPS = Codec(CatchUp, without=frozenset({"read", "history"}))


def build_server_document(server: GameServer) -> Document:
    """Return what is stored of a server; its secret is ciphertext here as everywhere."""
    return {**SERVERS.build(server), "secret": server.secret.ciphertext}


def read_server(document: Document) -> GameServer:
    """Return the server of a stored document."""
    scope = ServerScope(document["guild_id"], document["server_id"])
    return SERVERS.read(document, scope=scope, secret={"ciphertext": document["secret"]})


def build_health_document(health: ServerHealth) -> Document:
    """Return how reading a server goes; lines are counted beside the cursors."""
    problem = None if health.problem is None else build_text(health.problem)
    return {**HEALTH.build(health), "problem": problem}


def read_health(document: Document, scope: ServerScope, **counts: int) -> ServerHealth:
    """Return the health with its counted lines."""
    problem = document.get("problem")
    said = None if problem is None else read_text(problem)
    return HEALTH.read(document, scope=scope, problem=said, **counts)


def build_import_document(job: ImportJob) -> Document:
    """Return a history import as it is stored, with each file's size when it began."""
    catch_up = None if job.catch_up is None else _build_catch_up(job.catch_up)
    return {**IMPORTS.build(job), "ends": _build_sizes(job.ends), "catch_up": catch_up}


def read_import(document: Document) -> ImportJob:
    """Return the import of a stored document."""
    stored = document.get("catch_up")
    catch_up = None if stored is None else _read_catch_up(stored)
    return IMPORTS.read(document, ends=_read_sizes(document["ends"]), catch_up=catch_up)


def _build_catch_up(catch_up: CatchUp) -> Document:
    read = None
    if catch_up.read is not None:
        read = [
            {"world": file.world, "name": file.name, "offset": cursor.offset, "head": cursor.head}
            for file, cursor in catch_up.read.items()
        ]
    return {**CATCH_UPS.build(catch_up), "read": read, "history": _build_sizes(catch_up.history)}


def _read_catch_up(document: Document) -> CatchUp:
    read: dict[LogFile, Cursor] | None = None
    if document["read"] is not None:
        files = [(LogFile(one["world"], one["name"]), one) for one in document["read"]]
        read = {file: Cursor(file, one["offset"], one["head"]) for file, one in files}
    return CATCH_UPS.read(document, read=read, history=_read_sizes(document["history"]))


def _build_sizes(sizes: Mapping[LogFile, int]) -> list[Document]:
    return [{"world": file.world, "name": file.name, "size": size} for file, size in sizes.items()]


def _read_sizes(stored: Iterable[Document]) -> dict[LogFile, int]:
    return {LogFile(one["world"], one["name"]): one["size"] for one in stored}
