"""Log-in by the provider, the log-ins that the portal keeps, and requests to accountd for the agent of a log-in."""
