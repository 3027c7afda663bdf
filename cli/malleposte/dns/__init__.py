"""The DNS records a platform must publish, and whether a resolver gives them."""
