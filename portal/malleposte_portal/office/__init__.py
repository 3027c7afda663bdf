"""The pages of an office that convokes. accountd decides at each request for which boxes the agent may."""
