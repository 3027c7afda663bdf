"""The guard before the spam filter: a milter that refuses messages made to keep its parser busy (role guard)."""
