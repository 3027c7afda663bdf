"""Lines on their way to a SIEM: TLS, frames, a receiver that is away or another's, places that move once lines went."""

import json
import socket
import ssl
import threading
import time

import pytest
from malleposte.siem import daemon
from malleposte.siem.daemon import Sender, Settings
from malleposte.siem.ecs import Namer
from malleposte.siem.send import Receiver, frame

from tests.support import certificates


class Siem:
    """A receiver with a certificate, for `localhost`."""

    def __init__(self, folder):
        pair = certificates.pair("ec", "localhost")
        chain, key, self.ca = folder / "chain.pem", folder / "key.pem", folder / "ca.pem"
        for path, content in ((chain, pair.chain), (key, pair.key), (self.ca, pair.authority)):
            path.write_bytes(content)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(chain, key)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.data, self.links, self.news = b"", [], threading.Condition()
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                plain, _address = self.listener.accept()
            except OSError:
                return
            try:
                link = self.context.wrap_socket(plain, server_side=True)
                self.links.append(link)
                while more := link.recv(65_536):
                    with self.news:
                        self.data += more
                        self.news.notify_all()
            except OSError:
                pass
            plain.close()

    def events(self, count):
        """The events so far, once there are so many."""
        with self.news:
            assert self.news.wait_for(lambda: len(self.read()) >= count, 60)
        return self.read()

    def read(self):
        rest, found = self.data, []
        while b" " in rest:
            size, _space, rest = rest.partition(b" ")
            if len(rest) < int(size):
                break
            message, rest = rest[: int(size)], rest[int(size) :]
            assert message.startswith(b"<86>1 ") and b" mail1.ac-exemple.test malleposte - - - {" in message
            found.append(json.loads(message[message.index(b"{") :]))
        return found

    def close(self):
        self.listener.close()
        for link in self.links:
            link.close()


def wait_until(done):
    end = time.monotonic() + 60
    while not done():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.fixture
def siem(tmp_path):
    made = Siem(tmp_path)
    yield made
    made.close()


@pytest.fixture
def journal(tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_text("")
    return path


def log_in(number):
    return json.dumps({"time": 1_796_000_000, "account": f"a{number}", "accepted": True, "service": "imap"}) + "\n"


def append(path, *numbers):
    with path.open("a") as file:
        file.writelines(log_in(number) for number in numbers)


def sender(tmp_path, siem, journal, lines, **more):
    words = {"host": "localhost", "port": siem.port, "name": "mail1.ac-exemple.test", "ca": str(siem.ca), **more}
    given = Settings(journals={"events": (journal,)}, **words)
    receiver = Receiver(given.host, given.port, given.ca)
    return Sender(given, receiver, Namer(), tmp_path / "places.json", lines.append)


def test_lines_go_once_in_their_order_and_after_a_restart_from_where_they_were(tmp_path, siem, journal):
    lines = []
    append(journal, "before")
    one = sender(tmp_path, siem, journal, lines)
    assert one.carry()  # it finds its place
    append(journal, 1, 2)
    with journal.open("a") as file:
        file.write("nonsense\n")
    append(journal, 3)
    assert one.carry() and one.carry()
    one.receiver.close()
    append(journal, 4)
    again = sender(tmp_path, siem, journal, lines)
    assert again.carry()
    names = [event["user"]["name"] for event in siem.events(4)]
    again.receiver.close()
    assert names == ["a1", "a2", "a3", "a4"] and lines == []
    assert len({event["event"]["id"] for event in siem.read()}) == 4


def test_while_the_receiver_is_away_lines_wait_and_it_is_said_once(tmp_path, siem, journal):
    lines = []
    one = sender(tmp_path, siem, journal, lines, port=1)
    assert one.carry()
    append(journal, 1)
    assert not one.carry() and not one.carry()
    assert len(lines) == 1 and "the lines wait" in lines[0]
    one.receiver.port = siem.port
    assert one.carry() and "takes lines again" in lines[1]
    assert [event["user"]["name"] for event in siem.events(1)] == ["a1"]
    one.receiver.close()


def test_a_connection_that_the_receiver_ended_is_opened_anew_before_lines_go_into_it(tmp_path, siem, journal):
    one = sender(tmp_path, siem, journal, [])
    one.carry()
    append(journal, 1)
    assert one.carry() and siem.events(1)
    siem.links[0].shutdown(socket.SHUT_RDWR)
    siem.links[0].close()
    wait_until(one.receiver.ended)
    append(journal, 2)
    wait_until(one.carry)
    assert [event["user"]["name"] for event in siem.events(2)] == ["a1", "a2"]
    one.receiver.close()


@pytest.mark.parametrize("wrong", [{"ca": ""}, {"host": "127.0.0.1"}])
def test_a_receiver_with_another_s_certificate_gets_nothing(tmp_path, siem, journal, wrong):
    lines = []
    one = sender(tmp_path, siem, journal, lines, **wrong)
    one.carry()
    append(journal, 1)
    assert not one.carry() and siem.data == b"" and "certificate" in lines[0].lower()


def test_a_journal_that_cannot_be_read_keeps_no_other_from_being_sent(tmp_path, siem, journal):
    lines = []
    one = sender(tmp_path, siem, journal, lines)
    (tmp_path / "folder").mkdir()
    one.settings = Settings(
        "localhost", siem.port, "mail1.ac-exemple.test", journals={"events": (tmp_path / "folder", journal)}
    )
    one.carry()
    append(journal, 1)
    one.places[str(tmp_path / "folder")] = daemon.Place()
    one.carry()
    assert [event["user"]["name"] for event in siem.events(1)] == ["a1"] and "folder" in lines[0]
    one.receiver.close()


def test_a_frame_has_its_length_in_bytes():
    made = frame({"@timestamp": "2026-11-30T00:00:00Z", "host": {"name": "h"}, "user": {"name": "é"}})
    size, _space, rest = made.partition(b" ")
    assert int(size) == len(rest) and rest.endswith('{"name":"é"}}'.encode())


def test_settings_are_read_and_others_refused(tmp_path, monkeypatch):
    path = tmp_path / "siem.json"
    words = {
        "host": "siem.exemple.fr",
        "port": "6514",
        "name": "mail1",
        "ca": "",
        "keyed": "True",
        "journals": {"acts": []},
    }
    path.write_text(json.dumps(words))
    assert daemon.main(["--check", str(path)]) == 0
    for wrong in ({"host": ""}, {"port": 0}, {"journals": {"x": []}}, {"colour": 1}):
        path.write_text(json.dumps(words | wrong))
        assert daemon.main(["--check", str(path)]) == 1
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    keyed = Settings("h", 1, "n", keyed=True)
    (tmp_path / "uid-key").write_text("short\n")
    with pytest.raises(ValueError, match="is no key"):
        keyed.namer()
    (tmp_path / "uid-key").write_text("a key that is long enough\n")
    assert keyed.namer().user("a") != {"name": "a"} == Settings("h", 1, "n").namer().user("a")
