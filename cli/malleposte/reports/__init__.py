"""Reports that other mail servers send about mail of our domain: DMARC (RFC 7489) and TLS (RFC 8460).

They come by mail from anybody, so nothing in them is believed before it is read within bounds: `unpack` finds the
documents of a message, `dmarc` and `tlsrpt` read one, `intake` keeps it in `store`, `summary` says what they show.
"""
