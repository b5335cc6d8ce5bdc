"""The figures as bars, in an SVG that reads well on light and dark pages."""

from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape

from benchmarks.figures import shown

WIDTH = 420
LEFT = 146
RIGHT = 96
BAR = 16
ROW = 24
HEAD = 34
GAP = 14
PANELS = (
    ("Cold start, ms", "cold", "wall_ms"),
    ("List of ten posts, ms", "list", "p50_ms"),
    ("One post, ms", "detail", "p50_ms"),
    ("Writing a draft, ms", "create", "p50_ms"),
)
STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #1f2933; }
  .title { font-weight: 600; font-size: 14px; }
  .value { font-variant-numeric: tabular-nums; }
  .ours { fill: #0f7a55; }
  .peer { fill: #8a97a6; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6ebf0; }
    .ours { fill: #3ec08f; }
    .peer { fill: #6b7887; }
  }
"""


def svg(found: Sequence[dict[str, Any]]) -> str:
    """
    One panel for each of cold start, list, detail and create; shorter is faster.

    :param found: see `benchmarks.report.results`
    """
    panel = HEAD + ROW * len(found) + GAP
    height = panel * len(PANELS)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}"',
        f'  width="{WIDTH}" height="{height}" role="img" aria-labelledby="title">',
        f'<title id="title">{escape(_in_words(found))}</title>',
        f"<style>{STYLE}</style>",
    ]
    for number, (title, phase, figure) in enumerate(PANELS):
        values = [float(result[phase][figure]) for result in found]
        parts += _panel(title, found, values, top=number * panel)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(
    title: str, found: Sequence[dict[str, Any]], values: list[float], *, top: int
) -> list[str]:
    parts = [f'<text class="title" x="0" y="{top + HEAD - 14}">{escape(title)}</text>']
    longest = max(values)
    for number, (result, value) in enumerate(zip(found, values, strict=True)):
        y = top + HEAD + number * ROW
        length = max(1.0, value / longest * (WIDTH - LEFT - RIGHT))
        kind = "ours" if result["name"] == "ours" else "peer"
        label = f"{shown(value)}{_ratio(found, values, value)}"
        parts += [
            f'<text x="0" y="{y + 13}">{escape(result["title"])}</text>',
            f'<rect class="{kind}" x="{LEFT}" y="{y}"',
            f'  width="{length:.1f}" height="{BAR}" rx="2"/>',
            f'<text class="value" x="{LEFT + length + 6:.1f}" y="{y + 13}">{label}</text>',
        ]
    return parts


def _ratio(found: Sequence[dict[str, Any]], values: list[float], value: float) -> str:
    reference = [v for r, v in zip(found, values, strict=True) if r["name"] == "node"]
    return f" · {value / reference[0]:.2f}\N{MULTIPLICATION SIGN}" if reference else ""


def _in_words(found: Sequence[dict[str, Any]]) -> str:
    """For who cannot see it."""
    said = [
        f"{title}: "
        + ", ".join(f"{r['title']} {shown(r[phase][figure])}" for r in found)
        for title, phase, figure in PANELS
    ]
    return "Milliseconds, less is better. " + ". ".join(said) + "."
