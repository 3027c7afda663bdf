"""Adapters for the products of a host, through their own programs and files: one module a product."""
