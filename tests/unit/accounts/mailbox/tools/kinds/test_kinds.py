"""Requests to tools are those of the published references; a message marks nothing up; no answer is trusted."""

import base64
import hashlib
import hmac
import json
import re
from urllib.parse import parse_qs, unquote_plus

import msgspec
import pytest
from malleposte.accounts.mailbox.tools.kinds import base, matrix, mattermost, notion, slack, trello, webhook
from malleposte.accounts.mailbox.tools.kinds.base import Answer, Note, Outcome, Request
from malleposte.accounts.mailbox.tools.kinds.markup import JOINER, markdown, unlinked
from malleposte.accounts.mailbox.tools.kinds.table import TOOLS, checked, parted
from malleposte.core.errors import InputError

LINK = "https://pia.ac-exemple.test/lien/abc"
PLAIN = Note("k" * 40, "Réunion du 12", "Martin <m@example.org>", LINK)
HOSTILE = Note(
    "k" * 40, "<!channel> [cliquez](http://evil.example) *gras* @channel <script>x</script> &amp; `a` ~~b~~",
    "<@U1> <m@example.org>", LINK, "# titre\n<b>a</b> www.evil.example @room\n> cité",
)  # fmt: skip
VALUES = {
    "trello": {"list": "a" * 24, "key": "b" * 32, "token": "c" * 64},
    "notion": {"page": "0" * 32, "token": f"ntn_{'a' * 40}"},
    "slack": {"url": "https://hooks.slack.com/services/T1/B2/abcDEF123"},
    "mattermost": {"url": f"https://chat.ac-exemple.test/hooks/{'a' * 26}"},
    "matrix": {"server": "https://matrix.ac-exemple.test", "room": "!abc:ac-exemple.test", "token": "syt_abcdefgh"},
    "webhook": {
        "url": "https://appels.ac-exemple.test/mail",
        "secret": f"whsec_{base64.b64encode(b'x' * 32).decode()}",
    },
}
SECRETS = {
    name: [values[field.name] for field in TOOLS[name].fields if field.secret] for name, values in VALUES.items()
}


def made(tool: str, note: Note = PLAIN, now: float = 1_800_000_000.5) -> Request:
    return TOOLS[tool].request(checked(tool, VALUES[tool]), note, now)


def body(request: Request) -> dict:
    return json.loads(request.body)


def test_a_card_of_trello() -> None:
    request = made("trello", Note("k", "Titre", "m@example.org", LINK, "Bonjour\nà tous"))
    assert (request.method, request.url) == ("POST", "https://api.trello.com/1/cards")
    assert request.headers["Authorization"] == f'OAuth oauth_consumer_key="{"b" * 32}", oauth_token="{"c" * 64}"'
    form = {name: values[0] for name, values in parse_qs(request.body.decode(), strict_parsing=True).items()}
    assert (form["idList"], form["name"], form["pos"]) == ("a" * 24, "Titre", "top")
    assert form["desc"] == f"De\xa0: m@{JOINER}example\\.org\n\n> Bonjour\n> à tous\n\n{LINK}"
    assert "c" * 64 not in request.url + request.body.decode()


def text_of(tool: str, note: Note) -> str:
    text = made(tool, note).body.decode()
    return unquote_plus(text) if tool == "trello" else text


EVENT = Note("k" * 40, "Conseil", "", "", begin="2030-03-05T14:00:00+01:00", end="2030-03-05T15:30:00+01:00",
             place="Salle 12")  # fmt: skip


@pytest.mark.parametrize(
    ("begin", "end", "words"),
    [
        ("2030-03-05T14:00:00+01:00", "2030-03-05T15:30:00+01:00", "mardi 5 mars 2030, 14:00 – 15:30"),
        ("2030-03-05T14:00:00+01:00", "2030-03-05T14:00:00+01:00", "mardi 5 mars 2030, 14:00"),
        ("2030-03-05", "2030-03-05", "mardi 5 mars 2030"),
        ("2030-03-05", "2030-03-06", "du mardi 5 mars 2030 au mercredi 6 mars 2030"),
        (
            "2030-03-05T22:00:00+01:00",
            "2030-03-06T02:00:00+01:00",
            "du mardi 5 mars 2030, 22:00 au mercredi 6 mars 2030, 02:00",
        ),
    ],
)
def test_the_time_of_an_event_in_words(begin: str, end: str, words: str) -> None:
    assert base.moments(begin, end) == words


@pytest.mark.parametrize("tool", sorted(VALUES))
def test_an_event_says_its_title_its_time_and_its_place_and_nothing_else(tool: str) -> None:
    text = text_of(tool, EVENT).replace("\\", "")
    assert "Conseil" in text and "Salle 12" in text and LINK not in text and "De\xa0:" not in text
    assert ("2030-03-05T14:00:00+01:00" if tool == "webhook" else "mardi 5 mars 2030, 14:00 – 15:30") in text
    bare = text_of(tool, msgspec.structs.replace(EVENT, place=""))
    assert "Salle" not in bare and "Lieu" not in bare and "Ouvrir" not in bare


def test_an_event_is_a_call_of_its_own_kind() -> None:
    assert body(made("webhook", EVENT)) == {
        "type": "event.told",
        "data": {"title": "Conseil", "begin": EVENT.begin, "end": EVENT.end, "place": "Salle 12"},
    }
    assert body(made("webhook"))["type"] == "mail.told"


@pytest.mark.parametrize("tool", ["slack", "mattermost", "matrix", "trello"])
def test_an_event_marks_nothing_up(tool: str) -> None:
    event = msgspec.structs.replace(EVENT, title=HOSTILE.title, place=f"{HOSTILE.sender} @channel <b>")
    text = text_of(tool, event)
    assert "@channel" not in text and "http://evil" not in text


def test_a_page_of_notion() -> None:
    request = made("notion")
    assert request.headers["Notion-Version"] == "2022-06-28"
    assert request.headers["Authorization"] == f"Bearer ntn_{'a' * 40}"
    page = body(request)
    assert page["parent"] == {"page_id": "0" * 32}
    assert page["properties"]["title"]["title"][0]["text"]["content"] == "Réunion du 12"
    last = page["children"][-1]["paragraph"]["rich_text"][0]["text"]
    assert last == {"content": LINK, "link": {"url": LINK}}
    assert len(page["children"]) == 2


def test_an_alert_of_slack_is_plain_text() -> None:
    message = body(made("slack", HOSTILE))
    assert message["blocks"][0]["text"]["type"] == "plain_text"
    assert message["blocks"][0]["text"]["emoji"] is False
    assert "<" not in message["text"].replace("&lt;", "")
    assert "&amp;amp;" in message["text"]
    assert message["blocks"][1]["text"]["text"] == f"<{LINK}|Ouvrir le message>"
    assert message["unfurl_links"] is False


def test_an_alert_of_mattermost_has_no_markup_of_the_message_s() -> None:
    text = body(made("mattermost", HOSTILE))["text"]
    shown = text.removesuffix(f"[Ouvrir le message]({LINK})")
    assert shown != text
    assert not re.search(r"(?<!\\)[\[\]`~#]", shown)
    assert not re.search(r"@(?!\N{WORD JOINER})|://(?!\N{WORD JOINER})|www(?!\N{WORD JOINER})", shown)
    assert "<" not in shown
    assert "\n> \\# titre\n" in shown


def test_a_message_of_matrix_names_nobody_and_is_no_html() -> None:
    request = made("matrix", HOSTILE)
    assert request.method == "PUT"
    assert request.url == (
        "https://matrix.ac-exemple.test/_matrix/client/v3/rooms/%21abc%3Aac-exemple.test/send/m.room.message/"
        + "k" * 40
    )
    content = body(request)
    assert (content["msgtype"], content["format"]) == ("m.text", "org.matrix.custom.html")
    assert content["m.mentions"] == {}
    tags = re.findall(r"</?([a-z]+)", content["formatted_body"])
    assert set(tags) == {"strong", "br", "blockquote", "a"}
    assert content["formatted_body"].count("<a ") == 1
    assert f'href="{LINK}"' in content["formatted_body"]


def test_the_key_of_idempotency_is_the_same_each_time() -> None:
    assert made("matrix", now=1.0).url == made("matrix", now=99.0).url
    assert made("webhook", now=1.0).headers["webhook-id"] == made("webhook", now=99.0).headers["webhook-id"] == "k" * 40


def test_a_webhook_is_signed_over_time_and_body() -> None:
    request = made("webhook")
    headers = request.headers
    assert headers["webhook-timestamp"] == "1800000000"
    signed = f"{headers['webhook-id']}.1800000000.".encode() + request.body
    expected = base64.b64encode(hmac.new(b"x" * 32, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert made("webhook", now=1.0).headers["webhook-signature"] != headers["webhook-signature"]
    assert body(request)["data"] == {
        "subject": "Réunion du 12",
        "from": "Martin <m@example.org>",
        "text": "",
        "link": LINK,
    }


@pytest.mark.parametrize("tool", TOOLS)
def test_nothing_leaves_but_what_was_asked(tool: str) -> None:
    short, long = made(tool), made(tool, Note(PLAIN.key, PLAIN.title, PLAIN.sender, PLAIN.link, "TROIS MOTS SECRETS"))
    assert b"SECRETS" not in short.body
    assert b"SECRETS" in long.body


@pytest.mark.parametrize("tool", TOOLS)
def test_a_request_shows_nothing_in_a_line_of_a_log(tool: str) -> None:
    for secret in SECRETS[tool]:
        assert secret not in repr(made(tool))


@pytest.mark.parametrize("tool", TOOLS)
def test_secret_values_are_parted_from_those_that_are_shown(tool: str) -> None:
    shown, secret = parted(tool, VALUES[tool])
    assert sorted(secret.values()) == sorted(SECRETS[tool])
    assert shown | secret == VALUES[tool]


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("wrong", ["", "x\ny", "a" * 2000, "é", "https://evil.example/@x y"])
def test_values_that_are_not_of_their_form_are_refused(tool: str, wrong: str) -> None:
    assert checked(tool, VALUES[tool]) == VALUES[tool]
    for field in TOOLS[tool].fields:
        with pytest.raises(InputError) as refused:
            checked(tool, {**VALUES[tool], field.name: wrong})
        assert not wrong or wrong not in str(refused.value)


def test_a_value_of_another_name_and_another_tool_are_refused() -> None:
    with pytest.raises(InputError):
        checked("slack", {**VALUES["slack"], "text": "x"})
    with pytest.raises(InputError):
        checked("teams", {})


@pytest.mark.parametrize(
    ("tool", "status", "text", "outcome"),
    [
        ("trello", 200, "{}", Outcome.DONE),
        ("trello", 401, "invalid token", Outcome.REVOKED),
        ("trello", 404, "list", Outcome.REFUSED),
        ("trello", 429, "", Outcome.LATER),
        ("trello", 503, "", Outcome.LATER),
        ("trello", 302, "", Outcome.REFUSED),
        ("notion", 401, '{"code": "unauthorized"}', Outcome.REVOKED),
        ("notion", 400, '{"code": "validation_error"}', Outcome.REFUSED),
        ("notion", 409, '{"code": "conflict_error"}', Outcome.LATER),
        ("slack", 200, "ok", Outcome.DONE),
        ("slack", 404, "no_service", Outcome.REVOKED),
        ("slack", 410, "channel_is_archived", Outcome.REVOKED),
        ("slack", 400, "invalid_payload", Outcome.REFUSED),
        ("mattermost", 400, '{"id": "web.incoming_webhook.invalid.app_error"}', Outcome.REVOKED),
        ("mattermost", 400, '{"id": "web.incoming_webhook.text.app_error"}', Outcome.REFUSED),
        ("matrix", 401, '{"errcode": "M_UNKNOWN_TOKEN"}', Outcome.REVOKED),
        ("matrix", 403, '{"errcode": "M_FORBIDDEN"}', Outcome.REVOKED),
        ("matrix", 429, '{"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 2500}', Outcome.LATER),
        ("webhook", 410, "", Outcome.REVOKED),
        ("webhook", 204, "", Outcome.DONE),
    ],
)
def test_an_answer_means(tool: str, status: int, text: str, outcome: Outcome) -> None:
    assert TOOLS[tool].judge(Answer(status, body=text.encode())).outcome == outcome


def test_a_pause_that_a_tool_asks_for() -> None:
    limited = Answer(429, {"retry-after": "7"})
    assert trello.judge(limited).pause == 7
    assert matrix.judge(Answer(429, body=b'{"retry_after_ms": 2500}')).pause == 2.5
    assert base.pause("Wed, 21 Oct 2015 07:28:30 GMT", 1445412480.0) == 30
    for wrong in ("", "soon", "-4", "1e9", "٣", "Wed, 99 Oct 2015"):
        assert base.pause(wrong, 0.0) in (0.0, base.LONGEST_PAUSE)
    assert base.pause("999999999") == base.LONGEST_PAUSE


@pytest.mark.parametrize(
    "body", [b"[" * 60_000, b'{"code": "<b>x</b>"}', b'{"code": 7}', b"\xff\xfe", b"<html>mot de passe</html>", b"null"]
)
def test_a_hostile_answer_leaves_no_word_of_its_own(body: bytes) -> None:
    for judge in (notion.judge, slack.judge, mattermost.judge, matrix.judge):
        verdict = judge(Answer(429, body=body))
        assert verdict.detail == "429"
        assert verdict.pause == 0
    assert slack.judge(Answer(403, body=b"invalid_token")).detail == "403 invalid_token"


def test_markup_is_shown_as_it_is() -> None:
    assert markdown("*a* [b](c) <d>") == "\\*a\\* \\[b\\]\\(c\\) &lt;d&gt;"
    assert unlinked("rendez-vous à 8 h") == "rendez-vous à 8 h"
    assert unlinked("http://a @b") == f"http://{JOINER}a @{JOINER}b"


def test_the_secret_of_a_webhook_that_is_no_base64_is_refused() -> None:
    with pytest.raises(InputError) as refused:
        webhook.signature("whsec_a", "i", "1", b"")
    assert "whsec_a" not in str(refused.value)
