"""The daemon of the reports: its settings, its file, its upkeep, its sockets."""

import json
import signal
import socket
import threading

import pytest
from malleposte.core.errors import InputError, MallepostError
from malleposte.reports import ask, daemon
from malleposte.reports.daemon import Settings, Upkeep, copy_of, opened
from malleposte.reports.sources import NamedSources
from malleposte.reports.store import Store
from malleposte.reports.summary import summary
from malleposte.runtime import kit

from tests.support import reports
from tests.support.reports import DAY, DOMAIN, NOW, mail, row


def given(folder, **more) -> Settings:
    return Settings(**{"domain": DOMAIN, "hostname": "mail.ac-exemple.test", "days": 400, "folder": folder, **more})


def test_the_settings_of_the_role_are_read_and_others_refused(tmp_path):
    path = tmp_path / "reports.json"
    words = {"domain": DOMAIN, "hostname": "mx", "days": "400", "ours": {"mail1": ["192.0.2.1"]}, "relays": {}}
    path.write_text(json.dumps(words))
    assert daemon.read(path).named_sources().of_source("192.0.2.1") == ("ours", "mail1")
    assert daemon.main(["--check", str(path)]) == 0
    for wrong in ({"days": 0}, {"ours": {"mail1": ["x"]}}, {"colour": "blue"}, {"domain": None}):
        path.write_text(json.dumps(words | wrong))
        assert daemon.main(["--check", str(path)]) == 1


def test_a_file_that_is_none_is_set_aside_and_begun_anew(tmp_path):
    (tmp_path / "reports.sqlite").write_bytes(b"this is no database, whatever else it may be" * 100)
    lines = []
    opened(tmp_path, lines.append).close()
    assert "begun anew" in lines[0] and list(tmp_path.glob("reports.sqlite.broken-*"))
    opened(tmp_path, lines.append).close()
    assert len(lines) == 1


def test_a_copy_is_made_each_day(tmp_path):
    store, lock, lines = opened(tmp_path, print), threading.Lock(), []
    upkeep = Upkeep(store, lock, given(tmp_path), lines.append)
    intake = daemon.Intake(store, DOMAIN, 400, print, lambda: NOW)
    intake.taken(daemon.servers.Envelope("a@recepteur.test", "dmarc", "203.0.113.1"), mail(reports.dmarc()))
    upkeep.due(NOW)
    first = copy_of(tmp_path).stat().st_mtime_ns
    upkeep.due(NOW + 60)
    assert copy_of(tmp_path).stat().st_mtime_ns == first and lines == []
    upkeep.due(copy_of(tmp_path).stat().st_mtime + DAY)
    assert copy_of(tmp_path).stat().st_mtime_ns != first
    assert [path.name for path in copy_of(tmp_path).parent.iterdir()] == ["reports.sqlite"]
    store.close()
    opened(tmp_path, lines.append).close()
    assert lines == [], "nothing of the copy is missing"


def test_a_restored_host_has_the_reports_of_its_copy_and_those_that_came_since(tmp_path):
    old, new, lines = tmp_path / "old", tmp_path / "new", []
    for folder, names in ((old, ("r1", "r2")), (new, ("r2", "r3"))):
        (folder / "copy").mkdir(parents=True)
        store = opened(folder, print)
        intake = daemon.Intake(store, DOMAIN, 400, print, lambda: NOW)
        for name in names:
            parts = (reports.dmarc(row("192.0.2.9") + row(), report=name), reports.tls(report=name))
            intake.taken(daemon.servers.Envelope("a@recepteur.test", "dmarc", "203.0.113.1"), mail(*parts))
        store.copy(copy_of(folder))
        store.close()
    copy_of(old).rename(copy_of(new))
    restored = opened(new, lines.append)
    assert lines == ["2 reports of the copy are here again"]
    shown = summary(restored, NamedSources(), NOW, 30)
    assert shown.reports == {"dmarc": 3, "tls": 3}
    assert [(one.address, one.messages) for one in shown.sources] == [("192.0.2.10", 9), ("192.0.2.9", 9)]
    assert sum(one.sessions for one in shown.sessions) == 3 * 125
    restored.close()
    copy_of(new).write_bytes(b"no database" * 1000)
    opened(new, lines.append).close()
    assert "cannot be read" in lines[1]


def test_an_upkeep_that_fails_is_said_and_the_rest_is_done(tmp_path):
    store, lines = Store(":memory:"), []
    (tmp_path / "copy").write_text("in the way")
    Upkeep(store, threading.Lock(), given(tmp_path), lines.append).due(NOW)
    assert len(lines) == 1 and lines[0].startswith("<3>the copy for the backups")
    store.close()


def test_mail_comes_in_and_root_asks(tmp_path, monkeypatch):
    """The whole daemon on sockets of its own: a session of Postfix, then both questions, then a stop."""
    sockets = []
    for name in ("lmtp.sock", "asked.sock"):
        one = socket.socket(socket.AF_UNIX)
        one.bind(str(tmp_path / name))
        one.listen()
        sockets.append(one)
    monkeypatch.setattr(kit, "handed", lambda: sockets)
    handlers = {}
    monkeypatch.setattr(signal, "signal", handlers.setdefault)
    ready = threading.Event()
    monkeypatch.setattr(kit, "tell", lambda state: ready.set() if state == "READY=1" else None)
    codes = []
    settings = given(tmp_path, ours={"mail1": ("192.0.2.10",)})
    thread = threading.Thread(target=lambda: codes.append(daemon.serve(settings)), daemon=True)
    thread.start()
    assert ready.wait(60)
    message = mail(reports.dmarc(end=int(daemon.time.time()) - 60, begin=int(daemon.time.time()) - DAY))
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(str(tmp_path / "lmtp.sock"))
        link.sendall(
            b"LHLO x\r\nXFORWARD ADDR=203.0.113.9\r\nMAIL FROM:<a@recepteur.test>\r\nRCPT TO:<dmarc@x>\r\nDATA\r\n"
        )
        link.sendall(message + b"\r\n.\r\nQUIT\r\n")
        answer = b"".join(iter(lambda: link.recv(65536), b""))
    assert b"250 2.0.0 taken\r\n" in answer
    shown = ask.summary(30, path=tmp_path / "asked.sock")
    assert shown.reports == {"dmarc": 1} and shown.sources[0].name == "mail1"
    assert ask.summary(30, "192.0.2.10", path=tmp_path / "asked.sock").details[0].messages == 3
    assert ask.figures(tmp_path / "asked.sock").unknown == 0
    with pytest.raises(InputError, match="ValueError"):
        ask.summary(30, "here", path=tmp_path / "asked.sock")
    handlers[signal.SIGTERM]()
    thread.join(60)
    for one in sockets:
        one.close()
    assert codes == [0] and not thread.is_alive()


def test_a_host_without_the_daemon_says_so(tmp_path, monkeypatch):
    with pytest.raises(MallepostError, match="no reports are read here"):
        ask.figures(tmp_path / "asked.sock")
    monkeypatch.setattr(kit, "handed", list)
    with pytest.raises(InputError, match=r"no socket lmtp\.sock"):
        daemon.handed()
