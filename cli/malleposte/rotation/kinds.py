"""The secrets of an inventory: the roles that use each, the way to change it, and the effect of a change."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

ROTATABLE = "`malleposte secrets rotate --list` shows those that can be changed"


class Way(StrEnum):
    """The way to change a secret."""

    SWAP = "swap"
    """A new one, given to both sides by a deploy."""
    BOTH = "both"
    """The same, with the old one accepted until every reader has the new one."""
    SIGNATURE = "signature"
    """A further key that signs; the old one proves what it signed until that has ended."""
    PASSPHRASE = "passphrase"  # noqa: S105
    """Of repositories on a vault: the vault changes it there first."""
    DIGEST = "digest"
    """A further key under a new name; the old one recognises what it made."""
    DKIM = "dkim"
    """A further key under a new selector, which signs once the DNS has it."""
    PROBE = "probe"
    """Passwords of the probe's accounts, changed in the directory."""
    NEVER = "never"


@dataclass(frozen=True)
class Kind:
    """Secrets whose names match; `tags` are the roles to deploy. It is due when `days` old; 0: never by itself."""

    pattern: re.Pattern[str]
    way: Way
    tags: tuple[str, ...]
    effect: str
    days: int = 0


def _kind(pattern: str, way: Way, tags: str, effect: str, days: int = 0) -> Kind:
    return Kind(re.compile(pattern), way, tuple(tags.split()), effect, days)


KINDS = (
    _kind("ldap-(provision)", Way.BOTH, "openldap accounts accountd", "accountd restarts"),
    _kind("ldap-(dovecot)", Way.BOTH, "openldap dovecot", "Dovecot reloads"),
    _kind("ldap-(postfix)", Way.BOTH, "openldap postfix", "Postfix reloads"),
    _kind("ldap-(lists)", Way.BOTH, "openldap lists", "the lists' daemon restarts"),
    _kind("ldap-(rspamd)", Way.BOTH, "openldap rspamd", "rspamd restarts"),
    _kind("ldap-(sogo|senders)", Way.BOTH, "openldap sogo", "SOGo restarts"),
    _kind("ldap-(lemonldap)", Way.BOTH, "openldap lemonldap", "the log-in page restarts"),
    _kind("ldap-(calendars)", Way.BOTH, "openldap calendars", "nothing restarts"),
    _kind("ldap-(roundcube)", Way.BOTH, "openldap roundcube", "nothing restarts"),
    _kind("database-sogo", Way.SWAP, "postgresql hostd sogo", "SOGo restarts; it cannot reach its database until then"),
    _kind("database-roundcube", Way.SWAP, "postgresql hostd roundcube", "Roundcube shows an error until then"),
    _kind("valkey", Way.SWAP, "valkey rspamd", "Valkey and rspamd restart; mail waits until then"),
    _kind("valkey-sso", Way.SWAP, "valkey lemonldap", "nobody can log in until the log-in page has the new one"),
    _kind("sso-key", Way.SWAP, "lemonldap", "the log-in page restarts; forms that are open must be filled in again"),
    _kind(
        "sso-signing",
        Way.SIGNATURE,
        "lemonldap dovecot accountd",
        "Dovecot and accountd restart twice; the old key proves the tokens that it signed until they have ended, "
        "minutes later",
        days=365,
    ),
    _kind(
        "sso-client-roundcube", Way.SWAP, "lemonldap roundcube", "log-ins to the webmail must be tried again until then"
    ),
    _kind("sso-client-sogo", Way.SWAP, "lemonldap dav", "log-ins to SOGo must be tried again until then"),
    _kind("sso-client-probe", Way.SWAP, "lemonldap", "the probe's log-in with a second factor fails until then"),
    _kind("sso-client-portal", Way.SWAP, "lemonldap portal", "log-ins to the portal must be tried again until then"),
    _kind("sso-totp", Way.NEVER, "", "opens the seeds of one-time passwords: with another none of them works any more"),
    _kind("tools", Way.NEVER, "", "opens the agents' access to tools of others: with another each gives it once more"),
    _kind("valkey-portal", Way.SWAP, "valkey portal", "nobody can log in to the portal until it has the new one"),
    _kind("valkey-watch", Way.SWAP, "valkey watch", "Valkey restarts; it is not measured until then"),
    _kind("siem-uid", Way.SWAP, "siem", "the SIEM sees every account by another name from then on"),
    _kind("watch-ca", Way.SWAP, "watch", "the vaults read no measure of a host until it has the new authority"),
    _kind("pager-.+", Way.SWAP, "pager", "pagers take each other's heartbeats for missing after five minutes"),
    _kind("probe-.+-[12]", Way.SWAP, "accounts prober", "the probe of a host fails until it has the new passwords"),
    _kind("watch-client-.+", Way.SWAP, "watch", "the vault goes on with the new key"),
    _kind("valkey-guesses", Way.SWAP, "valkey fail2ban", "Valkey restarts; other hosts ban again once they have it"),
    _kind("valkey-throttle", Way.SWAP, "valkey authpolicy accountd", "Valkey restarts; guesses do not wait until then"),
    _kind(
        "auth-policy-(key|nonce)",
        Way.SWAP,
        "authpolicy dovecot accountd",
        "Dovecot reloads; delays against guesses begin anew",
    ),
    _kind("rspamd-(read|write)", Way.SWAP, "rspamd", "rspamd restarts"),
    _kind("doveadm-api", Way.SWAP, "dovecot", "Dovecot reloads"),
    _kind(
        "tunnel-.+",
        Way.SWAP,
        "stunnel",
        "tunnels restart; until both ends have the key, log-ins of devices and of SOGo's page must be tried again, and "
        "the portal's guesses do not wait",
    ),
    _kind("hostd-.+", Way.SWAP, "hostd", "hostd restarts; an act in between names the host; repeat it"),
    _kind(
        "accountd-sso-.+", Way.SWAP, "accountd sso_prove", "accountd restarts; log-ins must be tried again until then"
    ),
    _kind("accountd-.+", Way.SWAP, "accountd", "accountd restarts; the portal asks again"),
    _kind("portal-session", Way.SWAP, "portal", "the portal restarts; forms that are open must be filled in again"),
    _kind("sogo", Way.SWAP, "sogo", "SOGo restarts"),
    _kind("sogo-jwt", Way.SWAP, "sogo", "SOGo restarts"),
    _kind("roundcube-session", Way.SWAP, "roundcube", "Roundcube's sessions end, so that agents log in again"),
    _kind("borg-ssh-.+", Way.SWAP, "borg_vault borgmatic", "a backup that begins meanwhile is refused, and made good"),
    _kind(
        "borg-.+",
        Way.PASSPHRASE,
        "borg_vault borgmatic",
        "the vault changes it in every repository of the pair, between two sessions; a copy of a repository that "
        "somebody made before opens with the old one for ever",
    ),
    _kind(
        "digest-key-(.+)",
        Way.DIGEST,
        "accounts accountd",
        "a further key makes new digests; this one stays until no digest of it is left (`secrets retire`); codes that "
        "were given out go on",
    ),
    _kind(
        "dkim-.+",
        Way.DKIM,
        "rspamd",
        "a key under a new selector; run again once the DNS has it, then it signs; this one stays published until "
        "`secrets retire`",
    ),
    _kind(
        "internal-ca",
        Way.SWAP,
        "acme",
        "a new authority signs every certificate anew; give its certificate to all who trust the old one",
    ),
    _kind(r"probe-accounts\.json", Way.PROBE, "", "the probe's two accounts get new passwords"),
    _kind(r"accounts\.json", Way.NEVER, "", "passwords of sample agents: `accounts reset` gives an agent a new one"),
    _kind("tls-.+", Way.NEVER, "", "yours: replace the key and the certificate together, then deploy"),
    _kind("world-.+", Way.NEVER, "", "of the lab's Internet: remove the file, then deploy the lab"),
)


def of(name: str) -> Kind:
    """The kind of a secret. One that is known to no kind is never touched."""
    for kind in KINDS:
        if kind.pattern.fullmatch(name):
            return kind
    return Kind(re.compile(re.escape(name)), Way.NEVER, (), "not made by a deploy: yours")
