"""Configuration profiles of Apple's devices: mail, agenda and contacts by the password of one device, signed (CMS).

Sources: Apple, "Device Management", payloads `com.apple.mail.managed`, `com.apple.caldav.account` and
`com.apple.carddav.account`; RFC 5652 (CMS).
"""

from __future__ import annotations

import plistlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from malleposte.policy import devices

IMAPS, SUBMISSIONS, HTTPS = 993, 465, 443
LONGEST = 320
"""Characters of a value: an address has no more (RFC 5321, 4.5.3.1)."""
LANGUAGES = ("fr", "en")
_WORDS = {
    "fr": {
        "about": "Règle le courriel, l’agenda et les contacts. Le mot de passe de ce profil ne sert qu’à cet appareil.",
        "about_mail": "Règle le courriel. Le mot de passe de ce profil ne sert qu’à cet appareil.",
        "mail": "Courriel", "caldav": "Agenda", "carddav": "Contacts",
    },
    "en": {
        "about": "Sets up mail, agenda and contacts. The password in this profile is for this device alone.",
        "about_mail": "Sets up mail. The password in this profile is for this device alone.",
        "mail": "Mail", "caldav": "Agenda", "carddav": "Contacts",
    },
}  # fmt: skip


class ProfileError(ValueError):
    """A profile that cannot be made; the text names the value and repeats none."""


@dataclass(frozen=True)
class Servers:
    """The academy's name, its domain, and the hosts of mail and of agendas."""

    academy: str
    domain: str
    mail: str
    dav: str

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Servers:
        """From the settings of the portal. Raises ProfileError."""
        try:
            return cls(
                str(settings["academy"]), str(settings["domain"]), str(settings["mail_host"]), str(settings["dav_host"])
            )
        except KeyError as error:
            raise ProfileError(f"the settings have no {error.args[0]}") from error


@dataclass(frozen=True)
class Phone:
    """A device to set up: whose it is, its name, its password, and whether it opens agenda and contacts."""

    uid: str
    owner: str
    mail: str
    device: str
    secret: str = field(repr=False)
    dav: bool
    language: str = LANGUAGES[0]

    @classmethod
    def read(cls, document: object) -> Phone:
        """From JSON. Raises ProfileError: a value is missing, of another type, too long, or has control characters."""
        if not isinstance(document, Mapping) or set(document) != {one.name for one in fields(cls)}:
            raise ProfileError("a device has uid, owner, mail, device, secret, dav and language")
        for name, value in document.items():
            good = isinstance(value, str) and 0 < len(value) <= LONGEST and value.isprintable()
            if not (isinstance(value, bool) if name == "dav" else good):
                raise ProfileError(f"{name} is no text of one line, or too long")
        return cls(**document)

    def check(self, servers: Servers) -> None:
        """Whether it may be put into a profile of these servers. Raises ProfileError."""
        if not devices.is_device_password(self.secret):
            raise ProfileError("secret is not the password of a device")
        if self.mail.rpartition("@")[2].lower() != servers.domain.lower():
            raise ProfileError(f"mail is no address of {servers.domain}")
        if self.language not in LANGUAGES:
            raise ProfileError(f"language is {' or '.join(LANGUAGES)}")


def content(phone: Phone, servers: Servers) -> bytes:
    """The profile, as a property list. The same account and device give the same identifiers. Raises ProfileError."""
    phone.check(servers)
    words = _WORDS[phone.language]
    domain = ".".join(reversed(servers.domain.split(".")))
    name = f"{domain}.malleposte.{phone.uid}.{devices.identifier(phone.secret)}"
    parts = [_mail(phone, servers)]
    if phone.dav:
        parts += [_dav("caldav", "CalDAV", phone, servers), _dav("carddav", "CardDAV", phone, servers)]
    whole = {
        **_named(name, "Configuration", f"{servers.academy} – {phone.device}"),
        "PayloadDescription": words["about" if phone.dav else "about_mail"],
        "PayloadOrganization": servers.academy,
        "PayloadRemovalDisallowed": False,
        "PayloadContent": [
            {**_named(f"{name}.{kind}", payload, f"{words[kind]} – {servers.academy}"), **part}
            for kind, payload, part in parts
        ],
    }
    return plistlib.dumps(whole)


def _named(name: str, kind: str, shown: str) -> dict[str, Any]:
    """The keys that every payload has."""
    return {
        "PayloadType": kind,
        "PayloadVersion": 1,
        "PayloadIdentifier": name,
        "PayloadUUID": str(uuid.uuid5(uuid.NAMESPACE_DNS, name)).upper(),
        "PayloadDisplayName": shown,
    }


def _mail(phone: Phone, servers: Servers) -> tuple[str, str, dict[str, Any]]:
    both: dict[str, Any] = {}
    for way, port in (("Incoming", IMAPS), ("Outgoing", SUBMISSIONS)):
        both |= {
            f"{way}MailServerHostName": servers.mail,
            f"{way}MailServerPortNumber": port,
            f"{way}MailServerUseSSL": True,
            f"{way}MailServerAuthentication": "EmailAuthPassword",
            f"{way}MailServerUsername": phone.uid,
            f"{way}Password": phone.secret,
        }
    account = {
        "EmailAccountType": "EmailTypeIMAP",
        "EmailAccountDescription": servers.academy,
        "EmailAccountName": phone.owner,
        "EmailAddress": phone.mail,
    }
    return "mail", "com.apple.mail.managed", account | both


def _dav(kind: str, prefix: str, phone: Phone, servers: Servers) -> tuple[str, str, dict[str, Any]]:
    account = {
        "AccountDescription": servers.academy,
        "HostName": servers.dav,
        "Port": HTTPS,
        "UseSSL": True,
        "Username": phone.uid,
        "Password": phone.secret,
    }
    return kind, f"com.apple.{kind}.account", {f"{prefix}{name}": value for name, value in account.items()}


def sign(profile: bytes, key: bytes, chain: bytes) -> bytes:
    """A profile with a signature around it (DER), by a key and its certificates (PEM, the key's own first).

    Raises ValueError where one of them cannot be used.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.serialization import pkcs7

    private = serialization.load_pem_private_key(key, None)
    own, *others = x509.load_pem_x509_certificates(chain)
    if not isinstance(private, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise ProfileError("the key is neither RSA nor of an elliptic curve")
    if private.public_key() != own.public_key():
        raise ProfileError("the certificate is not that of the key")
    builder = pkcs7.PKCS7SignatureBuilder().set_data(profile).add_signer(own, private, hashes.SHA256())
    for one in others:
        builder = builder.add_certificate(one)
    return builder.sign(serialization.Encoding.DER, [pkcs7.PKCS7Options.Binary])
