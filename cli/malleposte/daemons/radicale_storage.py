"""Radicale's own storage, in which a collection stays what it was made.

Radicale takes a change of its kind (PROPPATCH of ``resourcetype``) as of any other property, and without a kind nobody
has a right on it any more, its owner included. The kind is protected (RFC 4918, 15.9): such a request is refused whole.
"""

from __future__ import annotations

from collections.abc import Mapping

from radicale.storage import multifilesystem


class Collection(multifilesystem.Collection):
    """A collection whose kind, once it has one, stays."""

    def set_meta(self, props: Mapping[str, str]) -> None:
        """Raises ValueError, which Radicale answers with 400."""
        kind = self.tag
        if kind and props.get("tag") != kind:
            raise ValueError(f"a collection of the kind {kind} cannot become another")
        super().set_meta(props)


class Storage(multifilesystem.Storage):
    """See Collection."""

    _collection_class = Collection
