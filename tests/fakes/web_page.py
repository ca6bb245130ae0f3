"""A web server on a game host's port, like a hoster's maintenance page."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

SHORT_PAGE = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"
LONG_PAGE = b"HTTP/1.1 503 Service Unavailable\r\n\r\n<style>" + b"x" * 100_000 + b"</style>\r\n"
"""A page with picture and style in one line, like real ones."""


@asynccontextmanager
async def serve_page(page: bytes, *, port: int = 0) -> AsyncIterator[int]:
    """Answer the first line of every client with these bytes, and close; yields the port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readline()
            writer.write(page)
            await writer.drain()
            writer.write_eof()
            await reader.read()  # wait until the client has closed, so that it gets the whole page
        except ConnectionError:
            pass  # the client closed in the middle, because this is not SSH
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", port)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()
