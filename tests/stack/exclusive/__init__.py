"""Tests that stop, reboot, deploy, restore or change what all share: one after the other, alone."""
