"""Meetings: free slots of a group, and the invitation."""
