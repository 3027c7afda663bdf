"""Decompression of stored mail by the libzstd that Dovecot itself uses; Python 3.13 has none of its own."""

from __future__ import annotations

import ctypes
import functools

MAGIC = b"\x28\xb5\x2f\xfd"
LIBRARY = "libzstd.so.1"


class StoredMailError(ValueError):
    """A file that is no whole zstd stream."""


@functools.cache
def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(LIBRARY)
    library.ZSTD_decompress.restype = ctypes.c_size_t
    library.ZSTD_decompress.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t]
    library.ZSTD_isError.argtypes = [ctypes.c_size_t]
    return library


def plain(data: bytes, size: int | None = None) -> bytes:
    """`data` decompressed, or as it is when it is not zstd. `size`, in bytes, is what is expected, a guess at best.

    Raises StoredMailError on a broken stream.
    """
    if not data.startswith(MAGIC):
        return data
    room = max(size or 0, len(data) * 4, 4096)
    library = _library()
    for _attempt in range(12):
        buffer = ctypes.create_string_buffer(room)
        length = library.ZSTD_decompress(buffer, room, data, len(data))
        if not library.ZSTD_isError(length):
            return buffer.raw[:length]
        if room > 2**30 or not _too_small(library, length):
            break
        room *= 4
    raise StoredMailError("broken zstd stream")


def _too_small(library: ctypes.CDLL, code: int) -> bool:
    library.ZSTD_getErrorName.restype = ctypes.c_char_p
    library.ZSTD_getErrorName.argtypes = [ctypes.c_size_t]
    return b"too small" in library.ZSTD_getErrorName(code)
