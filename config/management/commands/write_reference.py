import json
import tomllib
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db.models import TextChoices

from accounts.event_types import OF_BUSINESS, OF_SITE
from config import rights, scenarios
from invoices.states import TRANSITIONS

DATA: Final = Path(__file__).parents[3] / "tests" / "data"
VECTORS: Final = DATA / "invoice_vectors.json"
FIXTURES: Final = DATA / "invoice_fixtures.toml"
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
        "events.md": events(),
        "invoice-states.md": states(
            "The life of an invoice",
            "Overdue is not a status: it is an open invoice past its due date.",
            TRANSITIONS,
        ),
        "payment-scenarios.md": scenarios.page(),
        "roles.md": rights.page(),
        "vectors.md": vectors(
            json.loads(VECTORS.read_text()),
            tomllib.loads(FIXTURES.read_text())["fixture"],
        ),
    }


def events() -> str:
    carried = (
        "Webhooks carry these. Subscribe to one (`invoice.paid`), to all of a kind "
        "(`invoice.*`), or to everything (`*`)."
    )
    kept = "Kept as a record, and sent to nobody."
    return "\n".join(
        [
            "# What can happen\n",
            *_types("Of a business", carried, OF_BUSINESS),
            *_types("Of the site", kept, OF_SITE),
        ]
    )


def _types(title: str, note: str, types: Mapping[str, str]) -> list[str]:
    rows = [f"| `{type_}` | {sentence} |" for type_, sentence in types.items()]
    head = [f"## {title}\n\n{note}\n", "| Type | What happened |\n|---|---|"]
    return [*head, *rows, ""]


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


_TIERS: Final = {
    "plain": "quantities, prices, taxes, prepaid and rounded amounts",
    "adjusted": "charges and allowances on lines and documents",
    "advanced": "prices for several units, negative lines",
}


def vectors(data: Mapping[str, Any], fixtures: Sequence[Any]) -> str:
    """How much is recomputed to the unit, and by which road."""
    count = len(fixtures)
    documents = data["vectors"]
    rows = [
        _tested(
            f"{tier.capitalize()}: {what}", [d for d in documents if d["tier"] == tier]
        )
        for tier, what in _TIERS.items()
    ]
    others = [
        f"| {name} | {len(data[key])} | {len(data[key])} | | |"
        for name, key in (
            ("Lines by themselves", "line_vectors"),
            ("Taxes by themselves", "tax_vectors"),
        )
    ]
    return "\n".join(
        [
            "# What the arithmetic is held to\n",
            "Invoices published with EN 16931, in `tests/data/invoice_vectors.json`. Each is",
            "worked out by a preview over the API. Those that are no less than nothing are",
            "then written, finalized and read over the API, and their net, tax, total and",
            "what is payable are found in the text of their PDF. So are those of",
            "`tests/data/invoice_fixtures.toml`, which other programs once got wrong. All",
            "agree to the unit: `tests/invoices/api/test_vectors.py`.\n",
            "| | Published | Previewed | Finalized | In the PDF |",
            "|---|---|---|---|---|",
            *rows,
            _tested("**Documents in all**", documents),
            *others,
            f"| What went wrong elsewhere | {count} | {count} | {count} | {count} |",
            "",
        ]
    )


def _tested(name: str, documents: list[Any]) -> str:
    final = sum(Decimal(each["expected"]["amount_due"]) >= 0 for each in documents)
    return f"| {name} | {len(documents)} | {len(documents)} | {final} | {final} |"
