"""Loads the site when it is imported: what the fork server does before the first fork."""

from tests.chaos import process

process.load()
