"""A web server at a game host's port: the hoster's maintenance page, or what else is no SSH."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

SHORT_PAGE = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"
LONG_PAGE = b"HTTP/1.1 503 Service Unavailable\r\n\r\n<style>" + b"x" * 100_000 + b"</style>\r\n"
"""With its picture and style in one line, as such pages are made."""


@asynccontextmanager
async def serve_page(page: bytes, *, port: int = 0) -> AsyncIterator[int]:
    """Answer everybody's first line with these bytes, and hang up; gives the port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readline()
            writer.write(page)
            await writer.drain()
            writer.write_eof()
            await reader.read()  # until the other side has gone, so that nothing of the page is lost
        except ConnectionError:
            pass  # who sees that this is no SSH hangs up in the middle
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", port)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()
