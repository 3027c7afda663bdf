"""The calls of accountd by subject: each module has the requests, their answers and the handlers."""
