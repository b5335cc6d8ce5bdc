"""The back office's pages about people, and what all its pages stand on."""

# Django looks for this package only; each of these registers its pages.
from accounts.admin import people, system, webhooks

__all__ = ["people", "system", "webhooks"]
