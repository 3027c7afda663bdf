"""The walker's refusal paths against servers that do right and servers that do wrong; ManageSieve by the byte."""

import contextlib
import socket
import threading

import pytest
from malleposte.probe.walker import mailbox, resolver, walk
from malleposte.probe.walker.paths import flows, records, refusals
from malleposte.probe.walker.plan import PathError, Plan, poll
from malleposte.probe.walker.sieve import ManageSieve, SieveError

from tests.unit.commands.test_probe import PLAN

VANTAGE = {"domain": "lointain.test", "user": "probe", "smtp": ["127.0.0.1", 1], "maildir": "/nowhere/{user}"}


def make_plan(**changes) -> Plan:
    return Plan.parse({**PLAN, "vantage": VANTAGE, **changes})


class Wire:
    """A server side that answers each line from a script; the lines it got are kept."""

    def __init__(self, greeting: str, answers: dict[str, str]) -> None:
        self.ours, theirs = socket.socketpair()
        self.got: list[str] = []
        self.thread = threading.Thread(target=self._serve, args=(theirs, greeting, answers), daemon=True)
        self.thread.start()

    def _serve(self, link: socket.socket, greeting: str, answers: dict[str, str]) -> None:
        with link, link.makefile("rwb") as stream:
            stream.write(greeting.encode())
            stream.flush()
            for raw in stream:
                line = raw.decode().strip()
                self.got.append(line)
                known = next((text for start, text in answers.items() if line.upper().startswith(start)), None)
                if known is not None:
                    stream.write(known.encode())
                    stream.flush()


SIEVE = '"IMPLEMENTATION" "x"\r\n"SASL" "{sasl}"\r\n"STARTTLS"\r\nOK "ready"\r\n'


def test_managesieve_speaks_literals_and_reads_scripts():
    wire = Wire(
        SIEVE.format(sasl=""),
        {
            "LISTSCRIPTS": '"a" ACTIVE\r\n{3}\r\nb"c\r\nOK\r\n',
            "AUTHENTICATE": "",
            "KEEP;": 'OK "stored"\r\n',
            "SETACTIVE": 'NO (NONEXISTENT) "no such script"\r\n',
            "LOGOUT": "OK\r\n",
        },
    )
    session = ManageSieve(wire.ours)
    assert session.capabilities["IMPLEMENTATION"] == "x"
    assert session.scripts() == {"a": True, 'b\\"c': False}
    session.put("s", "keep;")
    with pytest.raises(SieveError, match="no such script"):
        session.activate("s")
    session.close()
    assert wire.got[1:3] == ['PUTSCRIPT "s" {5+}', "keep;"]


@pytest.mark.parametrize(("sasl", "good"), [("", True), ("PLAIN", False)])
def test_cleartext_sieve(monkeypatch, sasl, good):
    wire = Wire(SIEVE.format(sasl=sasl), {"LOGOUT": "OK\r\n"})
    monkeypatch.setattr(refusals, "connect", lambda plan, name, service: wire.ours)
    result = walk.walk_one("cleartext-sieve", refusals.cleartext_sieve, make_plan())
    assert (result["status"] == "ok") is good


@pytest.mark.parametrize(
    ("capability", "login", "good"),
    [
        ("IMAP4rev1 LOGINDISABLED", "NO [PRIVACYREQUIRED] disallowed", True),
        ("IMAP4rev1", "NO no", False),
        ("IMAP4rev1 LOGINDISABLED", "OK in", False),
    ],
)
def test_cleartext_imap(monkeypatch, capability, login, good):
    server, client = socket.socketpair()

    def serve() -> None:
        with server, server.makefile("rwb") as stream:
            stream.write(f"* OK [CAPABILITY {capability}] hi\r\n".encode())
            stream.flush()
            for raw in stream:
                tag, word = raw.decode().split()[:2]
                lines = (
                    f"* CAPABILITY {capability}\r\n{tag} OK done\r\n" if word == "CAPABILITY" else f"{tag} {login}\r\n"
                )
                stream.write(lines.encode())
                stream.flush()

    threading.Thread(target=serve, daemon=True).start()
    monkeypatch.setattr(refusals, "connect", lambda plan, name, service: client)
    result = walk.walk_one("cleartext-imap", refusals.cleartext_imap, make_plan())
    assert (result["status"] == "ok") is good, result


@pytest.mark.parametrize(
    ("answer", "good"),
    [(("DATA", 554, "5.7.1 spam"), True), (("DATA", 250, "queued"), False), (("RCPT", 451, "later"), False)],
)
@pytest.mark.parametrize("path", ["gtube", "forged-inbound", "relay"])
def test_a_stranger_must_be_refused_for_good(monkeypatch, path, answer, good):
    sent = []
    monkeypatch.setattr(refusals, "stranger", lambda plan, *mail: sent.append(mail) or answer)
    result = walk.walk_one(path, walk.PATHS[path], make_plan())
    assert (result["status"] == "ok") is good
    (sender, recipient, message) = sent[0]
    assert sender == "probe@lointain.test"
    assert (recipient.endswith("@lointain.test")) is (path == "relay")
    assert (refusals.GTUBE.encode() in message) is (path == "gtube")
    assert (b"From: probe2@ac-exemple.test" in message) is (path == "forged-inbound")


ZONE = {
    ("ac-exemple.test", "MX"): ["10 mail.ac-exemple.test", "5 mx0.ac-exemple.test"],
    ("mail.ac-exemple.test", "A"): ["192.0.2.7"],
    ("mx0.ac-exemple.test", "A"): ["192.0.2.8"],
    ("_dmarc.ac-exemple.test", "TXT"): ["v=DMARC1; p=reject; rua=mailto:a@b"],
}


def publish(monkeypatch, spf: str = "") -> None:
    zone = {**ZONE, ("ac-exemple.test", "TXT"): [spf]}
    monkeypatch.setattr(resolver, "query", lambda name, kind, servers: resolver.Answer(zone.get((name, kind), [])))


def test_the_best_mail_exchanger_comes_first(monkeypatch):
    publish(monkeypatch)
    assert refusals.mx_names(make_plan()) == ["mx0.ac-exemple.test", "mail.ac-exemple.test"]


@pytest.mark.parametrize(
    "text", ["v=spf1 mx -all", "v=spf1 ip4:192.0.2.0/24 ~all", "v=spf1 a:mail.ac-exemple.test mx -all"]
)
def test_spf_right(monkeypatch, text):
    publish(monkeypatch, spf=text)
    assert records.spf(make_plan()) == text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("v=spf1 mx ?all", "ends in"),
        ("v=spf1 ip4:192.0.2.7 -all", "mx0.ac-exemple.test .192.0.2.8. is not allowed"),
        ("v=other", "0 records"),
    ],
)
def test_spf_wrong(monkeypatch, text, reason):
    publish(monkeypatch, spf=text)
    with pytest.raises(PathError, match=reason):
        records.spf(make_plan())


def test_dmarc_is_the_inventorys(monkeypatch):
    publish(monkeypatch)
    assert records.dmarc(make_plan()).startswith("v=DMARC1; p=reject")
    with pytest.raises(PathError, match="p=reject, none wanted"):
        records.dmarc(make_plan(dmarc_policy="none"))


def test_messages_are_known_again_and_removed(tmp_path):
    plan = make_plan(vantage={**VANTAGE, "maildir": str(tmp_path / "{user}" / "Maildir")})
    (tmp_path / "probe" / "Maildir" / "new").mkdir(parents=True)
    stored = tmp_path / "probe" / "Maildir" / "new" / "1"
    message = mailbox.compose(plan, "submit-587", "probe1@ac-exemple.test", "probe@lointain.test")
    stored.write_bytes(message)
    (stored.parent / "2").write_bytes(b"Subject: another\r\n\r\n")
    assert mailbox.wait_maildir(plan, plan.outside(), "submit-587") == message
    with pytest.raises(PathError, match="not seen within 1 s"):
        mailbox.wait_maildir(plan, plan.outside(), "submit-465")
    assert mailbox.clean_vantage(plan) == 1
    assert [path.name for path in stored.parent.iterdir()] == ["2"]


def test_authentication_results_are_read_from_the_top():
    message = (
        b"Authentication-Results: mail.ac-exemple.test;\r\n\tdkim=pass header.d=lointain.test;\r\n\tspf=pass;"
        b" dmarc=fail\r\nAuthentication-Results: forged; dkim=pass spf=pass dmarc=pass\r\n\r\nx"
    )
    assert mailbox.results_of(message) == {"dkim": "pass", "spf": "pass", "dmarc": "fail"}
    with pytest.raises(PathError, match="no Authentication-Results"):
        mailbox.results_of(b"From: a@b\r\n\r\nx")


def test_poll_looks_once_more_than_never():
    assert poll(lambda: 1, 0, "x") == 1


GREY = "451 4.7.1 Liste grise, reessayez dans quelques minutes / Greylisted, try again in a few minutes"


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        (("DATA", 451, GREY[4:]), f"no message: our MX puts it off: {GREY}; {flows.UNSIGNED}"),
        (("DATA", 451, "4.3.0 later"), "no message: our MX puts it off: 451 4.3.0 later"),
        (("DATA", 250, "kept"), "no message"),
        (ConnectionRefusedError("no"), "no message"),
    ],
)
def test_mail_that_does_not_come_is_said_to_be_put_off_by_whom_and_why(monkeypatch, answer, detail):
    """A vantage queues what our MX puts off, as any server does: the probe would say that nothing came."""
    sent = []

    def deliver(session, sender, recipient, message):
        sent.append((session, sender, recipient))
        return ("DATA", 250, "queued") if session != "our MX" else answer

    def straight(_plan, name, _service):
        assert name == "mx1.ac-exemple.test"
        if isinstance(answer, Exception):
            raise answer
        return contextlib.nullcontext("our MX")

    def never(*_of):
        raise PathError("no message")

    class Smarthost(contextlib.nullcontext):
        def ehlo(self):
            """Greet."""

        def __enter__(self):
            return self

    monkeypatch.setattr(flows.smtplib, "SMTP", lambda *_words, **_more: Smarthost())
    monkeypatch.setattr(flows, "open_smtp", straight)
    monkeypatch.setattr(flows, "mx_names", lambda _plan: ["mx1.ac-exemple.test"])
    monkeypatch.setattr(flows, "deliver", deliver)
    monkeypatch.setattr(flows, "wait_imap", never)
    plan = make_plan()
    result = walk.walk_one("foreign-to-agent", walk.PATHS["foreign-to-agent"], plan)
    assert (result["status"], result["detail"]) == ("failed", detail)
    assert {one[1:] for one in sent} == {("probe@lointain.test", plan.accounts[0].mail)}
    monkeypatch.setattr(flows, "wait_imap", lambda *_of: ("INBOX", b""))
    monkeypatch.setattr(flows, "results_of", lambda _message: dict.fromkeys(("spf", "dkim", "dmarc"), "pass"))
    assert walk.walk_one("foreign-to-agent", walk.PATHS["foreign-to-agent"], plan)["status"] == "ok"


def test_a_colleague_reads_what_an_agent_submits_without_any_outside(monkeypatch):
    sent = []

    def deliver(_session, sender, recipient, message):
        sent.append((sender, recipient, b"probe" in message))
        return "DATA", 250, "kept"

    monkeypatch.setattr(flows, "smtp", lambda *_words: contextlib.nullcontext())
    monkeypatch.setattr(flows, "deliver", deliver)
    monkeypatch.setattr(flows, "wait_imap", lambda plan, account, path: ("INBOX", path.encode()))
    plan = make_plan(vantage=None)
    first, second = plan.accounts
    result = walk.walk_one("colleague-587", walk.WATCHED["colleague-587"], plan)
    assert (result["status"], result["detail"]) == ("ok", f"in INBOX of {second.uid}")
    assert sent == [(first.mail, second.mail, True)]
    monkeypatch.setattr(flows, "deliver", lambda *_words: ("RCPT", 451, "later"))
    assert walk.walk_one("colleague-587", walk.WATCHED["colleague-587"], plan)["status"] == "failed"
