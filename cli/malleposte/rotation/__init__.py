"""Secrets of the inventory changed for new ones, with what each change asks of the hosts, the DNS and the archives."""
