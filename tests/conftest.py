"""Fixtures used by more than one folder."""
