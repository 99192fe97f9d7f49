"""A moto server that answers one request at a time, as atomically as the services it stands for.

By itself it answers in threads, and between looking at a request's condition and writing another request may write.
"""

from __future__ import annotations

import sys
import threading


def main():
    """Run moto's own server, each answer made whole before the next one is begun."""
    import moto.server

    turn = threading.Lock()

    class InTurn(moto.server.DomainDispatcherApplication):
        def __call__(self, environ, start_response):
            with turn:
                return list(super().__call__(environ, start_response))

    moto.server.DomainDispatcherApplication = InTurn
    moto.server.main(sys.argv[1:])


if __name__ == "__main__":
    main()
