"""Decompression of stored mail; Python 3.13 has none of its own."""

from __future__ import annotations

MAGIC = b"\x28\xb5\x2f\xfd"


class StoredMailError(ValueError):
    """A file that is no whole zstd stream."""


def plain(data: bytes) -> bytes:
    """`data` decompressed, or as it is when it is not zstd. Raises StoredMailError on a broken stream."""
    if not data.startswith(MAGIC):
        return data
    import zstandard  # on the hosts that store mail

    parts = []
    while data:
        frame = zstandard.ZstdDecompressor().decompressobj()
        try:
            parts.append(frame.decompress(data))
        except zstandard.ZstdError as error:
            raise StoredMailError("broken zstd stream") from error
        if not frame.eof:
            raise StoredMailError("zstd stream without an end")
        data = frame.unused_data
    return b"".join(parts)
