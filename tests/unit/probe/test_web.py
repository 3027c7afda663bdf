"""The walker's web paths: the servers' answers are read correctly, and their faults reported."""

from email.message import Message
from types import SimpleNamespace

import pytest
from malleposte.probe.walker import https, walk
from malleposte.probe.walker.https import Answer, Browser
from malleposte.probe.walker.mailbox import attach, compose
from malleposte.probe.walker.paths import dav, web
from malleposte.probe.walker.paths.refusals import EICAR
from malleposte.probe.walker.plan import PathError

from tests.unit.probe.test_paths import make_plan

POLICY = "version: STSv1\r\nmode: {mode}\r\nmx: {mx}\r\nmax_age: 604800\r\n"
PRINCIPAL = (
    '<D:multistatus xmlns:D="DAV:"><D:response><D:href>/</D:href><D:propstat><D:prop><D:current-user-principal>'
    "<D:href>https://dav.ac-exemple.test/agents/probe1/</D:href></D:current-user-principal></D:prop>"
    "<D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response></D:multistatus>"
)


def answering(monkeypatch, **answers):
    """Browsers get these answers: `GET_/path` cannot be a keyword, so the method and a piece of the path are asked."""

    def request(self, method, path, body=None, headers=None):
        found = next((answer for piece, answer in answers["table"] if piece in f"{method} {path}"), None)
        assert found is not None, f"{method} {path}"
        return found

    monkeypatch.setattr(Browser, "request", request)


def page(text: str, status: int = 200, **headers: str) -> Answer:
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, text.encode())


@pytest.mark.parametrize(
    ("mode", "mx", "wrong"),
    [
        ("enforce", "mail.ac-exemple.test", None),
        ("testing", "*.ac-exemple.test", None),
        ("enforce", "*.exemple.test", "not in the policy"),
        ("enforce", "autre.ac-exemple.test", "not in the policy"),
        ("none", "autre.ac-exemple.test", None),
        ("perhaps", "mail.ac-exemple.test", "not a policy"),
    ],
)
def test_mta_sts_policy(monkeypatch, mode, mx, wrong):
    monkeypatch.setattr(web, "mx_names", lambda plan: ["mail.ac-exemple.test"])
    answering(monkeypatch, table=[("GET", page(POLICY.format(mode=mode, mx=mx), content_type="text/plain"))])
    if wrong is None:
        assert web.mta_sts(make_plan()).startswith(f"mode {mode}")
    else:
        with pytest.raises(PathError, match=wrong):
            web.mta_sts(make_plan())


def test_roundcube_rows_are_found_by_their_subject():
    commands = 'this.add_message_row(7,{"subject":"Bonjour"});this.add_message_row(9,{"subject":"probe x"});'
    assert web.newest(commands, "probe x") == "9"
    assert web.newest(commands, "absent") is None


def test_a_portal_without_hsts_fails(monkeypatch):
    plan = make_plan(hosts={"portal": "pia.ac-exemple.test"})
    answering(monkeypatch, table=[("GET /", page("<title>PIA</title>"))])
    with pytest.raises(PathError, match="Strict-Transport-Security"):
        web.portal(plan)
    home = page("<title>PIA</title>", strict_transport_security="max-age=1")
    answering(monkeypatch, table=[("GET", home)])
    with pytest.raises(PathError, match="/activer has no form"):
        web.portal(plan)
    form = page(f"<title>PIA</title><input {web.CSRF}>", strict_transport_security="max-age=1")
    monkeypatch.setattr(web, "tester", lambda browser: None)
    answering(monkeypatch, table=[("GET", form)])
    assert web.portal(plan) == "PIA"


SCRIPT = page("export {}", content_type="text/javascript; charset=utf-8")
TESTER = {
    "/strength.js": SCRIPT,
    "/core.js": SCRIPT,
    "robustesse.json": page('{"scripts": ["/core.js"], "sentence_of": {"length": "length"}}'),
    "robustesse": page('<script src="/strength.js" type="module"></script>'),
}


@pytest.mark.parametrize(
    ("piece", "answer", "wrong"),
    [
        ("", page(""), None),
        ("robustesse", page("", 404), "robustesse: HTTP 404"),
        ("robustesse", page("<title>PIA</title>"), "robustesse names no script"),
        ("robustesse.json", page("", 500), "robustesse.json: HTTP 500"),
        ("robustesse.json", page("<html>"), "not the tester's data"),
        ("robustesse.json", page('{"scripts": ["/core.js"]}'), "not the tester's data"),
        ("robustesse.json", page('{"scripts": [], "sentence_of": {"a": "b"}}'), "robustesse.json names no script"),
        ("robustesse.json", page('{"scripts": ["/core.js"], "sentence_of": {}}'), "names no rule"),
        ("/strength.js", page("", 404), "/strength.js: HTTP 404"),
        ("/core.js", page("<html>", content_type="text/html"), "/core.js is no script"),
        ("/core.js", page("", content_type="text/javascript"), "/core.js is no script"),
    ],
)
def test_the_tester_of_passwords_is_served_whole(monkeypatch, piece, answer, wrong):
    answering(monkeypatch, table=list((TESTER | ({piece: answer} if piece else {})).items()))
    browser = Browser(make_plan(), "pia.ac-exemple.test")
    if wrong is None:
        web.tester(browser)
    else:
        with pytest.raises(PathError, match=wrong):
            web.tester(browser)


def test_a_platform_without_the_name_is_not_tested():
    assert walk.walk_one("sogo", web.portal, make_plan(hosts={}))["status"] == "not tested"


def test_the_principal_is_read_from_a_multistatus():
    answer = Answer(207, {}, PRINCIPAL.encode())
    assert dav.href(answer, f"{dav.DAV}current-user-principal") == "/agents/probe1/"
    with pytest.raises(PathError, match="no calendar-home-set"):
        dav.href(answer, dav.CALDAV.tag("calendar-home-set"))
    with pytest.raises(PathError, match="not XML"):
        dav.href(Answer(207, {}, b"<html"), f"{dav.DAV}current-user-principal")


def test_a_wrong_password_that_is_taken_fails(monkeypatch):
    monkeypatch.setattr(dav, "exchange", lambda plan, kind, account: "/x/")
    answering(monkeypatch, table=[("PROPFIND", page("", 207))])
    with pytest.raises(PathError, match="a wrong password: HTTP 207"):
        dav.walk(make_plan(hosts={"dav": "dav.ac-exemple.test"}), dav.CALDAV)


def test_cookies_are_kept_whatever_their_name():
    response = SimpleNamespace(headers=Message())
    for line in ("0xHIGHFLYxSOGo=ab; Path=/SOGo; SameSite=Odd; NewThing", "XSRF-TOKEN=cd=; Secure"):
        response.headers["Set-Cookie"] = line
    browser = Browser(make_plan(), "x")
    browser._keep(response)
    assert browser.cookies == {"0xHIGHFLYxSOGo": "ab", "XSRF-TOKEN": "cd="}


def test_the_virus_is_sent_only_where_an_antivirus_is_on():
    assert "virus" not in walk.choose(make_plan(), [])
    assert "virus" in walk.choose(make_plan(antivirus=True), [])
    assert "virus" in walk.choose(make_plan(), ["virus"])
    assert len(EICAR) == 68
    assert len(attach(compose(make_plan(), "virus", "a@b.test", "c@d.test"), "a.com", EICAR.encode())) < https.MAX_BODY
