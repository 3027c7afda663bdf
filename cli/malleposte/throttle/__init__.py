"""Delays against guessed passwords, per account and source network, so that nobody can lock anybody else out.

A try is counted when it is made, before its password is proved, so that a thousand at once count as a thousand. A few
wrong passwords are free; then each waits twice as long as the one before, up to a limit. The same wrong password again
counts once: an old telephone is no attack. It is not proved again for a while either.

slapd locks an account after so many failures (ppolicy, the backstop), whoever made them. So all networks together have
a number of proofs within slapd's own window: strangers half of what locks, known clients a little less, and no network
more than half of either. What is proved counts until slapd has forgotten it, and the right password for as long as its
proof takes. Beyond that, strangers wait though their password be right. A code of recovery opens meanwhile: it asks
slapd nothing and has no such bound, and for half an hour the new password opens from the address where it was chosen.

A school sits behind one address. So a client (protocol, device or browser, exact address) that has succeeded for an
account before has a line of its own: it neither waits for what others of its network or of all networks did, nor
forgets it for them. A browser has a secret of its own, and is known wherever it comes from. The right password of a
client that nobody knew starts its network afresh. IPv6 is counted twice: its /64, and more generously its /48, in which
one guesser may have every /64. No address is exempt.

Device passwords are long, and proved without slapd: they count for a name of their own (`DEVICES`), without that bound.

An address that fails on many accounts, none of which ever succeeded in its network, is told in the log and, for an
hour, in Valkey, where every host of the edge finds it (`daemons.guesses`): fail2ban bans it there. Known networks are
told nowhere.

The other state lies in Valkey under keyed digests of names and networks, and goes by itself; an index for each account
names its keys, so that nothing is ever searched. Passwords are known by a digest of few bits under a secret (Dovecot's
`auth_policy_hash_*`): enough to tell two tries apart, too little to find one. Where Valkey does not answer, each
process bounds the proofs of an account by itself (`memory`), and nothing else waits.
"""

from malleposte.throttle.judge import BROWSER, CLIENTS, DEVICES, GUESSERS, PREFIX, Throttle, Verdict
from malleposte.throttle.settings import Settings, digest

__all__ = ("BROWSER", "CLIENTS", "DEVICES", "GUESSERS", "PREFIX", "Settings", "Throttle", "Verdict", "digest")
