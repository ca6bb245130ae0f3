"""Documents of game servers, of their health, and of running imports."""

from utils.database.documents.codec import Codec, Document
from utils.database.documents.text_documents import build_text, read_text
from utils.models.deaths import LogFile
from utils.models.reading import ImportJob
from utils.models.scope import ServerScope
from utils.models.servers import GameServer, ServerHealth

SERVERS = Codec(GameServer, without=frozenset({"scope", "secret"}))
HEALTH = Codec(
    ServerHealth,
    without=frozenset({"scope", "problem", "lines_read", "lines_rejected", "next_try_at", "others"}),
)
IMPORTS = Codec(ImportJob, without=frozenset({"ends"}))


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
    ends = [{"world": file.world, "name": file.name, "size": size} for file, size in job.ends.items()]
    return {**IMPORTS.build(job), "ends": ends}


def read_import(document: Document) -> ImportJob:
    """Return the import of a stored document."""
    ends = {LogFile(end["world"], end["name"]): end["size"] for end in document["ends"]}
    return IMPORTS.read(document, ends=ends)
