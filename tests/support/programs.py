"""Programs of a test's own, in the place of a host's."""

from pathlib import Path


def executable(path: Path, script: str) -> Path:
    """Write a shell script that can be started at a path; return the path."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path
