"""The web front: pages, access, TLS; its renewal, its logs, its rights."""

import http.client
import json
import re
import secrets
import ssl
from typing import Any

import pytest
from testinfra.host import Host

from tests.stack.support.mail import wait_for
from tests.stack.support.site import Site
from tests.stack.support.web import Web

POSTS = """
import http.client, json, ssl, sys
name, there, *sources = sys.argv[1:]
context = ssl._create_unverified_context()
class Link(http.client.HTTPSConnection):
    def connect(self):
        raw = self._create_connection((there, 443), 60, (self.source, 0))
        self.sock = context.wrap_socket(raw, server_hostname=name)
links, said = {}, {source: [] for source in sources}
for source in [*sources[:-1] * 60, sources[-1]]:
    if source not in links:
        links[source] = Link(name, context=context)
        links[source].source = source
    links[source].request("POST", "/activer", "{}")
    answer = links[source].getresponse()
    answer.read()
    said[source].append(answer.status)
print(json.dumps(said))
"""
HEADERS = (
    "Strict-Transport-Security",
    "Content-Security-Policy",
    "X-Content-Type-Options",
    "X-Frame-Options",
    "Referrer-Policy",
    "Permissions-Policy",
)


def sites(machine: Host) -> list[str]:
    """Every name that a host answers to."""
    text = machine.file("/etc/nginx/nginx.conf").content_string
    return sorted({name for name in re.findall(r"server_name (\S+);", text) if name != "_"})


@pytest.fixture(params=["mail1", "pia1"])
def front(request: pytest.FixtureRequest, host: Any) -> tuple[str, Host]:
    """A host with a web front."""
    return request.param, host(request.param)


def test_every_site_answers_over_tls_with_every_header_once(site: Site, web: Web, front: tuple[str, Host]) -> None:
    name, machine = front
    found = sites(machine)
    assert found
    for one in found:
        answer = web.get(site.address(name), one)
        for header in HEADERS:
            assert len(answer.headers.get_all(header) or []) == 1, f"{one}: {header}"
        assert int(re.sub(r"\D", "", answer.headers["Strict-Transport-Security"])) >= 31536000
        assert "frame-ancestors" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Server"] == "nginx"
        assert answer.headers["X-Powered-By"] is None


def test_plain_http_leads_to_https(site: Site, web: Web, platform: dict[str, Any]) -> None:
    name = platform["hostnames"]["portal"]
    answer = web.get(site.address("pia1"), name, "/motdepasse?x=1", plain=True)
    assert (answer.status, answer.headers["Location"]) == (301, f"https://{name}/motdepasse?x=1")
    assert answer.headers["Strict-Transport-Security"] is None


@pytest.mark.parametrize("name", ["inconnu.test", "mail.ac-exemple.test"])
def test_a_name_that_is_not_a_site_gets_no_answer(site: Site, web: Web, name: str) -> None:
    with pytest.raises(ssl.SSLError, match=r"(?i)unrecognized.name"):
        web.handshake(site.address("mail1"), name)
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        web.get(site.address("mail1"), name, plain=True)


def test_old_tls_is_refused_and_new_tls_is_spoken(site: Site, web: Web, platform: dict[str, Any]) -> None:
    portal, address = platform["hostnames"]["portal"], site.address("pia1")
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = ssl.create_default_context(cafile=web.authorities)
        context.minimum_version = context.maximum_version = version
        context.set_alpn_protocols(["h2", "http/1.1"])
        with web.handshake(address, portal, context) as shaken:
            assert shaken.selected_alpn_protocol() == "h2"
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    with pytest.raises(OSError, match=r"(?i)protocol.version|alert|reset"):
        web.handshake(address, portal, old)


def test_a_cipher_without_forward_secrecy_is_refused(site: Site, web: Web, platform: dict[str, Any]) -> None:
    context = ssl.create_default_context(cafile=web.authorities)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("AES128-GCM-SHA256:AES256-SHA")
    with pytest.raises(ssl.SSLError):
        web.handshake(site.address("pia1"), platform["hostnames"]["portal"], context)


def test_the_certificate_names_every_site(front: tuple[str, Host]) -> None:
    _name, machine = front
    shown = machine.check_output("openssl x509 -in /etc/ssl/malleposte/fullchain.pem -noout -ext subjectAltName")
    assert set(sites(machine)) <= set(re.findall(r"DNS:([^\s,]+)", shown))


def test_an_error_is_told_in_french_then_in_english(site: Site, web: Web, platform: dict[str, Any]) -> None:
    answer = web.get(site.address("mail1"), f"mta-sts.{platform['domain']}", "/rien")
    assert answer.status == 404
    assert answer.text.index("Page introuvable") < answer.text.index("Page not found")
    assert answer.headers["Content-Security-Policy"]
    portal, address = platform["hostnames"]["portal"], site.address("pia1")
    large = web.get(address, portal, "/", method="POST", Content_Length=str(50 << 20))
    assert large.status == 413
    assert "Envoi trop volumineux" in large.text
    # The pages themselves have no address.
    assert web.get(address, portal, "/_errors/503.html").status == 404


def test_log_ins_of_ipv6_are_counted_by_the_48(site: Site, platform: dict[str, Any]) -> None:
    """A guesser may have every /64 of one. As many as a school needs at once; then two a second."""
    mark = f"2001:db8:{secrets.randbelow(2**15):x}"
    there, *sources = (f"{mark}:{number}::1" for number in range(5))
    sources.append(f"2001:db8:{2**15 + secrets.randbelow(2**15):x}::1")
    names = " ".join((there, *sources))
    command = f"for one in {names}; do ip address add $one/128 nodad dev lo; done; "
    command += f"/usr/bin/python3 - {platform['hostnames']['portal']} {names}; "
    command += f"for one in {names}; do ip address del $one/128 dev lo; done"
    *inside, outside = json.loads(site.run("pia1", command, given=POSTS)).values()
    assert [status for statuses in inside for status in statuses[:20]] == [400] * 80, "without the form"
    assert all(429 in statuses for statuses in inside), inside
    assert outside == [400], "another network"


def test_what_follows_the_question_mark_is_not_logged(
    site: Site, web: Web, platform: dict[str, Any], host: Any
) -> None:
    machine = host("pia1")
    web.get(site.address("pia1"), platform["hostnames"]["portal"], "/journal-essai?jeton=tres-secret")
    log = "/var/log/nginx/access.log"
    wait_for(lambda: "/journal-essai" in machine.file(log).content_string, 20, "the request is logged")
    assert machine.run(f"grep -r tres-secret {log}").stdout == ""


def test_the_log_is_rotated_and_written_on(site: Site, web: Web, platform: dict[str, Any], host: Any) -> None:
    machine, portal = host("pia1"), platform["hostnames"]["portal"]
    web.get(site.address("pia1"), portal, "/avant-rotation")
    machine.check_output("logrotate --force /etc/logrotate.d/nginx")
    web.get(site.address("pia1"), portal, "/apres-rotation")
    log = "/var/log/nginx/access.log"
    wait_for(lambda: "/apres-rotation" in machine.file(log).content_string, 20, "the new file is written")
    assert "/avant-rotation" not in machine.file(log).content_string


def test_the_workers_have_no_rights(front: tuple[str, Host]) -> None:
    _name, machine = front
    # The watch has an nginx of its own, of another user.
    first = machine.check_output("systemctl show -P MainPID nginx").strip()
    assert machine.check_output(f"ps -o user= -p {first} --ppid {first} | sort -u").split() == ["root", "www-data"]
    score = machine.check_output("systemd-analyze security nginx.service --no-pager | tail -n 1")
    found = re.search(r"(\d+\.\d+)", score)
    assert found, score
    assert float(found.group()) <= 4.5
