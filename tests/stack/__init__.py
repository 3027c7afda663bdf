"""Tests of the deployed lab, by protocol."""
