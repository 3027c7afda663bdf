"""Tokens of the log-in page: got as a webmail gets them, or made here with any content; and log-ins by them."""

import base64
import hashlib
import hmac
import imaplib
import json
import time
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from malleposte.probe.walker import wire
from malleposte.probe.walker.plan import Plan
from malleposte.probe.walker.sieve import ManageSieve, SieveError

from tests.stack.support.provider import Provider, returned
from tests.stack.support.site import Account, Site
from tests.stack.support.web import Web

MECHANISMS = ("XOAUTH2", "OAUTHBEARER")


def followed(browser: Provider, answer: Any) -> dict[str, str]:
    """The parameters with which the log-in page sends the browser back, past its own redirects."""
    while "code" not in returned(answer):
        where = answer.headers["Location"]
        assert where, answer.text[:400]
        answer = browser.ask(where.removeprefix(f"https://{browser.name}"))
    return returned(answer)


def of_roundcube(site: Site, web: Web, account: Account, browser: Provider | None = None) -> dict[str, Any]:
    """The tokens that Roundcube gets for an agent's log-in: `access_token`, `id_token`, `refresh_token`.

    A `browser` that has logged in is asked nothing.
    """
    browser = browser or Provider(site, web)
    back = f"https://{site.platform['hostnames']['webmail']}/index.php/login/oauth"
    mine = {"client_id": "roundcube", "redirect_uri": back}
    asked = browser.authorize(**mine)
    answer = browser.ask(asked) if browser.entered else browser.log_in(account.uid, account.password, asked)
    secret = site.secret("sso-client-roundcube").strip()
    status, told = browser.redeem(followed(browser, answer)["code"], **mine, client_secret=secret)
    assert status == 200, told
    return told


def renewed(site: Site, web: Web, token: str, **changed: str) -> tuple[int, dict[str, Any]]:
    """Ask for new tokens for a refresh token, as Roundcube does."""
    mine = {"client_id": "roundcube", "client_secret": site.secret("sso-client-roundcube").strip()}
    unused = {"redirect_uri": "", "code_verifier": ""}
    given = {"grant_type": "refresh_token", "refresh_token": token}
    return Provider(site, web).redeem("", **{**mine, **unused, **given, **changed})


def of_portal(site: Site, web: Web, account: Account) -> dict[str, Any]:
    """The tokens that the portal gets."""
    browser = Provider(site, web)
    asked = browser.authorize(scope="openid profile email mail")
    status, told = browser.redeem(followed(browser, browser.log_in(account.uid, account.password, asked))["code"])
    assert status == 200, told
    return told


def part(token: str, number: int) -> dict[str, Any]:
    """The head (0) or the content (1) of a token."""
    text = token.split(".")[number]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return found


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass
class Forge:
    """Makes tokens like a real one, with the platform's own key or another."""

    site: Site
    head: dict[str, Any]
    content: dict[str, Any]

    @property
    def key(self) -> rsa.RSAPrivateKey:
        """The platform's own."""
        found = serialization.load_pem_private_key(self.site.secret("sso-signing").encode(), None)
        assert isinstance(found, rsa.RSAPrivateKey)
        return found

    def make(self, key: rsa.RSAPrivateKey | bytes | None, head: dict[str, Any], **content: Any) -> str:
        """A token; `key` is RSA's (RS256), bytes (HS256), or none. What `content` sets to None is left out."""
        told = {name: value for name, value in (self.content | content).items() if value is not None}
        text = ".".join(_text(json.dumps(one).encode()) for one in (self.head | head, told))
        if key is None:
            return f"{text}."
        if isinstance(key, bytes):
            return f"{text}.{_text(hmac.new(key, text.encode(), hashlib.sha256).digest())}"
        return f"{text}.{_text(key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"

    def ours(self, **content: Any) -> str:
        """A token with the platform's own signature."""
        return self.make(self.key, {}, **content)

    def forged(self) -> dict[str, str]:
        """Tokens that must open nothing, by what is wrong with them."""
        now = int(time.time())
        public = self.key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        start, _dot, signature = self.ours().rpartition(".")
        return {
            "expired": self.ours(iat=now - 1000, exp=now - 60),
            "not yet valid": self.ours(nbf=now + 600, iat=now + 600, exp=now + 900),
            "without the scope": self.ours(scope="openid profile email"),
            "with no scope at all": self.ours(scope=None),
            "of another issuer": self.ours(iss="https://sso.autre.test/"),
            "without an issuer": self.ours(iss=None),
            "of nobody": self.ours(sub=None),
            "signed by another key": self.make(rsa.generate_private_key(65537, 2048), {}),
            "unsigned": self.make(None, {"alg": "none"}),
            "with the public key for a password": self.make(public, {"alg": "HS256"}),
            "of an unknown key": self.make(self.key, {"kid": "0123456789abcdef"}),
            "of a key by its path": self.make(self.key, {"kid": "../RS256/" + str(self.head["kid"])}),
            "changed on the way": f"{start}.{_text(bytes(8))}{signature[11:]}",
        }


def initial(mechanism: str, user: str, token: str) -> bytes:
    """The client's words: XOAUTH2 (Google's), OAUTHBEARER (RFC 7628, 3.1)."""
    if mechanism == "XOAUTH2":
        return f"user={user}\1auth=Bearer {token}\1\1".encode()
    return f"n,a={user},\1auth=Bearer {token}\1\1".encode()


@dataclass
class Bearer:
    """Log-ins by a token."""

    plan: Plan

    def imap(self, user: str, token: str, mechanism: str = "XOAUTH2") -> bool:
        """Whether IMAP lets a token in and opens the inbox."""
        try:
            link = self.session(user, token, mechanism)
        except imaplib.IMAP4.error:
            return False
        try:
            return link.select("INBOX", readonly=True)[0] == "OK"
        finally:
            link.shutdown()

    def session(self, user: str, token: str, mechanism: str = "XOAUTH2") -> wire.Imap:
        """A session; `shutdown` ends it. Raises imaplib.IMAP4.error."""
        name = self.plan.mail
        link = wire.Imap(
            wire.context(self.plan).wrap_socket(wire.connect(self.plan, name, "imaps"), server_hostname=name)
        )
        words = iter([initial(mechanism, user, token)])
        try:
            # After a refusal the server explains itself, and waits for an answer without words.
            link.authenticate(mechanism, lambda _told: next(words, b"\1"))
        except imaplib.IMAP4.error:
            link.shutdown()
            raise
        return link

    def smtp(self, user: str, token: str, mechanism: str = "XOAUTH2", service: str = "submission") -> bool:
        """Whether submission lets a token in."""
        with wire.smtp(self.plan, self.plan.mail, service) as session:
            words = base64.b64encode(initial(mechanism, user, token)).decode()
            code, _said = session.docmd("AUTH", f"{mechanism} {words}")
            if code == 334:
                code, _said = session.docmd(base64.b64encode(b"\1").decode())
            assert code in (235, 535), _said
            return code == 235

    def sieve(self, user: str, token: str, mechanism: str = "XOAUTH2") -> bool:
        """Whether ManageSieve lets a token in."""
        session = ManageSieve(wire.connect(self.plan, self.plan.mail, "sieve"))
        try:
            session.starttls(wire.context(self.plan), self.plan.mail)
            words = base64.b64encode(initial(mechanism, user, token)).decode()
            session.link.sendall(f'AUTHENTICATE "{mechanism}" "{words}"\r\n'.encode())
            line = session.stream.readline()
            if not line.startswith((b"OK", b"NO")):
                session.link.sendall(b'"' + base64.b64encode(b"\1") + b'"\r\n')
                line = session.stream.readline()
            return line.startswith(b"OK")
        except SieveError:
            return False
        finally:
            session.close()

    def everywhere(self, user: str, token: str) -> set[bool]:
        """The answers of all ways in; one value when they agree."""
        return {
            *(self.imap(user, token, one) for one in MECHANISMS),
            *(self.smtp(user, token, one) for one in MECHANISMS),
            *(self.sieve(user, token, one) for one in MECHANISMS),
        }
