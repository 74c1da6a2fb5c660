"""A server on a port of this machine, in threads of this process."""

from __future__ import annotations

import socketserver
import threading
from typing import Any

__all__ = ["Loopback"]


class Loopback(socketserver.ThreadingTCPServer):
    """Listens from the start until `stop`.

    Attributes:
        port: Where, on 127.0.0.1.
    """

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, handler: Any) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.port: int = self.server_address[1]
        self._thread = threading.Thread(target=lambda: self.serve_forever(0.02), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Listen no longer."""
        self.shutdown()
        self._thread.join()
        self.server_close()
