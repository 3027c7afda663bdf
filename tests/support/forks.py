"""Many short Python programs from one interpreter: what they share is imported once, and each runs in a fork of it."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

STANDARD = """
import argparse, asyncio, base64, concurrent.futures, contextlib, csv, dataclasses, datetime, email.parser, email.policy
import fcntl, functools, hashlib, hmac, html, http.client, http.server, inspect, ipaddress, logging, pathlib, pwd
import random, secrets, shutil, signal, socketserver, sqlite3, ssl, subprocess, threading, unicodedata, urllib.request
import uuid, zoneinfo
"""
"""Imports modules of the language alone, which every program may have."""
SERVER = """
import json, os, sys, tempfile, traceback
{shared}

def run(code, words, env, cwd):
    try:
        os.environ.clear()
        os.environ.update(env)
        os.chdir(cwd)
        sys.argv = words
        exec(code, {{"__name__": "__main__"}})
    except SystemExit as end:
        if not isinstance(end.code, str):
            return int(end.code or 0)
        print(end.code, file=sys.stderr)
        return 1
    except BaseException:
        traceback.print_exc()
        return 1
    return 0

for line in sys.stdin:
    asked = json.loads(line)
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if not child:
            for number, file in enumerate((out, err), 1):
                os.dup2(file.fileno(), number)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            code = run(**asked)
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        texts = [file.seek(0) or file.read().decode() for file in (out, err)]
    print(json.dumps([code, *texts]), flush=True)
"""


class Forks:
    """An interpreter that has imported what `shared` says. Nothing that a program does reaches the next one."""

    def __init__(self, shared: str = STANDARD, *options: str) -> None:
        words = [sys.executable, *options, "-c", SERVER.format(shared=shared)]
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(
        self, code: str, *words: str, env: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a program whose `sys.argv` is `words`."""
        asked = {"code": code, "words": words, "env": dict(env or os.environ), "cwd": str(cwd or Path.cwd())}
        return self._answer(words, json.dumps(asked))

    def _answer(self, words: Sequence[str], asked: str) -> subprocess.CompletedProcess[str]:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(f"{asked}\n")
        self.process.stdin.flush()
        code, out, err = json.loads(self.process.stdout.readline())
        return subprocess.CompletedProcess(words, code, out, err)

    def end(self) -> None:
        """End the interpreter."""
        self.process.communicate(timeout=120)
