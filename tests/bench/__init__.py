"""Measurements of the deployed lab. Not tests: nothing here passes or fails on speed."""
