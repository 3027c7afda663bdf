"""Streams of asyncio in place of connections."""


class Writer:
    """Keeps what is written."""

    def __init__(self) -> None:
        self.data = b""

    def write(self, data: bytes) -> None:
        self.data += data

    async def drain(self) -> None:
        return

    def get_extra_info(self, name: str) -> object:
        """There is no connection."""
        return None
