"""The process that tests fork their bots from: a start costs a third, because its modules are loaded once.

Theory of operation: ``python -m simulation.warm_process SOCKET`` loads the bot's modules and waits on a
socket. For each start it forks a keeper. The keeper forks the process that becomes the bot, tells its id,
waits for its end and tells the exit code. The bot has a session, an environment and files of its own, as
after ``python bot.py``. Only its modules are there already, those of pictures too, and nothing takes them
down at its end.
"""

import gc
import importlib
import json
import os
import signal
import socket
import sys
from collections.abc import Mapping
from typing import Any, NoReturn

import bot
from utils.commandline.arguments import AS_CHILD, CALLS, CONFIGURED, RUN
from utils.embeds.charts.painter import DRAWINGS
from utils.localization.catalogue import ENGLISH_CATALOGUE


def await_start(listener: socket.socket) -> Mapping[str, Any]:
    """Fork for each start without end; return in each process that becomes a bot."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # keepers end unseen
    while True:
        connection, _ = listener.accept()
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            return keep(connection)
        connection.close()


def keep(connection: socket.socket) -> Mapping[str, Any]:
    """Fork the bot and tell its end; return in the process that becomes the bot."""
    os.setsid()
    request: dict[str, Any] = json.loads(connection.makefile().readline())
    if (pid := os.fork()) == 0:
        connection.close()
        return request
    connection.sendall(f"{pid}\n".encode())
    _, status = os.waitpid(pid, 0)
    connection.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def become_bot(request: Mapping[str, Any]) -> NoReturn:
    """Do what ``python bot.py`` does after its imports."""
    os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDONLY), sys.stdin.fileno())
    for stream, name in ((sys.stdout, "output"), (sys.stderr, "errors")):
        os.dup2(os.open(request[name], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), stream.fileno())
    os.environ.clear()
    os.environ.update(request["environment"])
    code = bot.main(request["arguments"])
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)  # Python would take down every module, which takes longer than all else of a stop


def main(address: str) -> NoReturn:
    """Wait for starts at a socket until terminated."""
    for call in (RUN, AS_CHILD, CONFIGURED, *CALLS.values()):
        call.load()
    for extension in bot.EXTENSIONS:
        importlib.import_module(extension)
    importlib.import_module(DRAWINGS)
    ENGLISH_CATALOGUE.choose_form(1)  # which reads the locale from a file
    gc.collect()
    gc.freeze()  # a bot that looked through them would make a copy of their memory
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        request = await_start(listener)
    become_bot(request)


if __name__ == "__main__":
    main(sys.argv[1])
