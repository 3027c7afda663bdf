"""Meetings: free slots of a group, and what follows from one."""
