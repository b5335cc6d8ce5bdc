from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db.models import TextChoices

from accounts.roles import PERMISSIONS, Permission, Role
from invoices.states import TRANSITIONS

HEAD = "<!-- Written by `make docs`; edit the code instead. -->\n\n"


class Command(BaseCommand):
    """Draws docs/reference from the tables in the code."""

    help = "Write docs/reference from the code."

    def handle(self, *args: Any, **options: Any) -> None:
        folder = Path(settings.BASE_DIR) / "docs" / "reference"
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in pages().items():
            (folder / name).write_text(HEAD + text)
            self.stdout.write(f"docs/reference/{name}")


def pages() -> dict[str, str]:
    """File name to Markdown."""
    return {
        "invoice-states.md": states(
            "The life of an invoice",
            "Overdue is not a status: it is an open invoice past its due date.",
            TRANSITIONS,
        ),
        "roles.md": roles(),
    }


def states[S: TextChoices](
    title: str, note: str, transitions: Mapping[S, frozenset[S]]
) -> str:
    arrows = [
        f"    {start.value} --> {end.value}"
        for start, ends in transitions.items()
        for end in sorted(ends)
    ]
    first = next(iter(transitions))
    rows = [
        f"| {start.label} | {', '.join(end.label for end in sorted(ends)) or '—'} |"
        for start, ends in transitions.items()
    ]
    return "\n".join(
        [
            f"# {title}\n\n{note}\n",
            "```mermaid\nstateDiagram-v2",
            f"    [*] --> {first.value}",
            *arrows,
            "```\n",
            "| From | May become |\n|---|---|",
            *rows,
            "",
        ]
    )


def roles() -> str:
    header = " | ".join(role.label for role in Role)
    rows = [
        f"| {permission.label} | "
        + " | ".join("yes" if permission in PERMISSIONS[role] else "" for role in Role)
        + " |"
        for permission in Permission
    ]
    return "\n".join(
        [
            "# Who may do what\n",
            f"| | {header} |",
            "|---|" + "---|" * len(Role),
            *rows,
            "",
        ]
    )
