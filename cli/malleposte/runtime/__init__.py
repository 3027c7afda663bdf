"""Foundations of a program on a host: sockets of systemd, TLS links, files of other owners, durable writes, HTTP."""
