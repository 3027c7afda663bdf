"""Authenticate requests for agendas and address books, and name the service. nginx asks before it forwards a request.

The password is proved by Dovecot over its auth socket, with the client's own address: the same states of an account,
the same cache, the same delays and lock-outs as for mail. Nothing is kept here but digests of refusals, under a key
that dies with the process, so that the same wrong password of one address counts once in what fail2ban reads.

Requests come over a Unix socket, with the client's address in ``X-Real-IP``. Questions have the path ``/TREE``, where
TREE is ``root`` or the name of a back end, and the headers ``Authorization`` (Basic) and ``X-Original-URI``. Answers:

200  ``X-Dav-User`` (uid), ``X-Dav-Path`` (to ask the back end), ``X-Dav-Route``: a back end, or ``moved`` (the agent's
     tree of another back end: look again from the root), or ``gone`` (something inside it)
401  not proved; unknown and refused are alike
503  Dovecot gives no answer: no client must take that for a wrong password

``POST /log-in`` is what SOGo's page sends: JSON with ``userName`` and ``password``. When they are right SOGo is asked,
with a body written here from what was proved, since another reader of the same JSON may find another name in it. SOGo's
answer goes to the client, and with it a seal: a MAC over SOGo's cookie. A refusal (403, 503) is in the page's words.

SOGo's cookie is the password under a key that its holder knows and may change, so SOGo would prove whatever password a
holder puts into it. ``/session`` is what nginx asks before every other page of SOGo: always 200, with the cookies that
SOGo may see in ``X-Session-Cookie`` (its own only with its seal), and, for who logs out, what ends the seal in
``X-Session-End``. It is all that must change when another way to prove a session comes.

A browser that has logged in bears a cookie that names it and opens nothing: Dovecot hears it as the client's name, so
that delays judge it apart from others behind its address.
"""
