"""The calls of a person of the DSI."""
