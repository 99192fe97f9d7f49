"""Encrypted connections: the certificate in use, and handshakes, which are counted and timed like all that arrives."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable, Sequence
from pathlib import Path
from shlex import quote

import uvicorn

from mlforge.errors import Invalid
from mlforge_serve.http_protocol import Bounded

PAUSE = 1.0
"""Seconds without accepting where no more connections can be opened."""
_log = logging.getLogger("mlforge.serve")


class Certificate:
    """A certificate and its key, as new connections get them.

    Raises:
        Invalid: They cannot be used.
    """

    def __init__(self, cert: Path, key: Path) -> None:
        self.files: Sequence[Path] = (cert, key)
        self.context = self.read()

    def read(self) -> ssl.SSLContext:
        """The pair in the files now. Raises `Invalid`."""
        cert, key = self.files
        try:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(cert, key, lambda: "")
        except (ssl.SSLError, OSError, ValueError) as error:
            why, hint = _wrong(cert, key, error)
            raise Invalid(f"The certificate {cert.name!r} and its key cannot be used: {why}.", hint=hint) from None
        return context

    def use(self, context: ssl.SSLContext) -> None:
        """Let connections that come from now on have this one."""
        self.context = context


def _wrong(cert: Path, key: Path, error: Exception) -> tuple[str, str]:
    """Why a pair cannot be used, and the way out: OpenSSL names no file."""
    for path, option, what in ((cert, "--tls-cert", "CERTIFICATE"), (key, "--tls-key", "PRIVATE KEY")):
        try:
            data = path.read_bytes()
        except OSError as unread:
            return f"{path} cannot be read: {unread.strerror}", f"{option} names a file in PEM that this user may read."
        if b"-----BEGIN" not in data or f"{what}-----".encode() not in data:
            return f"{path} has no {what.lower()} in PEM", f"{option} names a file with -----BEGIN {what}----- in it."
        if path is key and b"ENCRYPTED" in data:
            return f"{key} is encrypted", f"Name a key that is not: openssl pkey -in {quote(str(key))} -out plain.pem"
    if isinstance(error, ssl.SSLError) and error.reason == "KEY_VALUES_MISMATCH":
        return f"{key} is the key of another certificate", "Name the key that the certificate was made with: --tls-key"
    return (
        "one of them is damaged",
        f"Look at them: openssl x509 -in {quote(str(cert))}; openssl pkey -in {quote(str(key))}",
    )


class EncryptedServer(uvicorn.Server):
    """A server that accepts connections by itself, because uvicorn knows of none before its handshake is done."""

    def __init__(self, config: uvicorn.Config, protocol: type[Bounded], certificate: Certificate) -> None:
        super().__init__(config)
        self._protocol, self._certificate = protocol, certificate

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup([])
        self.servers = [Accepting(one, self._begin) for one in sockets or ()]  # type: ignore[misc] # ends like theirs

    def _begin(self, connection: socket.socket) -> None:
        limits, connections = self._protocol.limits, self.server_state.connections
        if len(connections) >= limits.connections:
            self._protocol.refused("too_many_requests")
            connection.close()  # there is no way to say why
        else:
            protocol = self._protocol(self.config, self.server_state, self.lifespan.state)
            connections.add(Handshake(connection, protocol, self._certificate.context))  # type: ignore[arg-type]


class Accepting:
    """Accepts connections at a socket until it is closed."""

    def __init__(self, listening: socket.socket, begin: Callable[[socket.socket], object]) -> None:
        self._listening, self._begin = listening, begin
        self._loop = asyncio.get_running_loop()
        self._pause: asyncio.TimerHandle | None = None
        listening.setblocking(False)
        self._loop.add_reader(listening, self._accept)

    def close(self) -> None:
        """Accept no more."""
        self._loop.remove_reader(self._listening)
        if self._pause is not None:
            self._pause.cancel()

    async def wait_closed(self) -> None:
        """Nothing is left to wait for."""

    def _accept(self) -> None:
        try:
            connection, _ = self._listening.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return
        except OSError as error:  # no more files may be opened
            _log.error("a connection cannot be accepted: %s", error.strerror)
            self._loop.remove_reader(self._listening)
            self._pause = self._loop.call_later(PAUSE, self._loop.add_reader, self._listening, self._accept)
            return
        self._begin(connection)


class Handshake:
    """A connection that is not encrypted yet: it takes a place like any other, and has the time of a request."""

    def __init__(self, connection: socket.socket, protocol: Bounded, context: ssl.SSLContext) -> None:
        self._then = protocol
        protocol.handshake = self
        self._shaking = protocol.loop.create_task(self._shake(connection, context))

    def shutdown(self) -> None:
        """End it: it has asked nothing yet."""
        self._shaking.cancel()

    async def _shake(self, connection: socket.socket, context: ssl.SSLContext) -> None:
        then, timeout = self._then, self._then.limits.timeout
        try:
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await then.loop.connect_accepted_socket(
                lambda: then, connection, ssl=context, ssl_handshake_timeout=timeout, ssl_shutdown_timeout=timeout
            )
        except OSError:
            then.refused("handshake")
        finally:
            then.connections.discard(self)
