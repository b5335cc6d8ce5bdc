"""What was found, as a page of the reference; in ratios, whatever the machine."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.report import table
from benchmarks.targets import ROOT

DOCS: Final = ROOT / "docs" / "reference" / "scale.md"
# Times what it took with few.
MOST: Final = 2.0
# What a function of a stage may take, with room to spare.
MEGABYTES: Final = 250
# As `invoices.audit.findings` has it, which needs Django to be asked.
CHUNK: Final = 500


@dataclass(frozen=True)
class Compared:
    """One page or act, with few invoices and with many."""

    words: str
    few: dict[str, float]
    many: dict[str, float]
    scans: Sequence[str]

    @property
    def ratio(self) -> float:
        return self.many["milliseconds"] / self.few["milliseconds"]


@dataclass(frozen=True)
class Audit:
    """All books looked at; costs are of each document."""

    documents: int
    findings: Sequence[str]
    milliseconds: float
    statements: float
    rows: float
    memory: float


@dataclass(frozen=True)
class Held:
    """Finalizing, in milliseconds: the median, and what one in twenty takes longer than."""

    whole: Sequence[float]
    held: Sequence[float]
    # Of the whole, while others who number something wait.
    share: float


@dataclass(frozen=True)
class Found:
    invoices: int
    acts: Sequence[Compared]
    audits: Sequence[Audit]
    memory: Sequence[float]
    alone: Held
    together: Held
    writers: int


def text(found: Found) -> str:
    few, many = found.audits
    statements = sum(
        act.few["statements"] == act.many["statements"] for act in found.acts
    )
    return f"""# Scale

Written by `make scale ARGS=--write`. One business with {found.invoices:,} invoices of four
years (with lines, taxes, seals, payments, ledger and events) beside one with 200, on one
MariaDB; the same is asked of both in turns, and medians are compared. `audit_books` finds
{len(many.findings) or "nothing"} in the {many.documents:,} documents. What may not grow is bounded: a page or
an act takes at most {MOST:.0f} times as long, the same number of statements, and none that reads a
whole table.

{table(["", "statements", "rows touched, of 200", f"of {found.invoices:,}", "time, times that of 200"], _lines(found))}

- **Statements** are as many with few as with many for {statements} of {len(found.acts)}.
- **Whole tables** (`EXPLAIN` of every statement: type `ALL` or `index` over more than 2,000
  rows) are read by {sum(len(act.scans) for act in found.acts) or "no"} statements.
- **Rows touched** are the database's own count. Where they grow, it is with what is open or
  was paid in a year, along an index that has all that is summed.
- **Audit**, per document: {many.milliseconds / few.milliseconds:.2f} times the time, {many.statements:.3f} statements where few
  take {few.statements:.3f}, {many.rows:.0f} rows for {few.rows:.0f}.
- **Memory** of the process, in MB: {found.memory[0]:.0f} after all pages of 200 and {found.memory[1]:.0f} after those of
  {found.invoices:,}; {few.memory:.0f} and {many.memory:.0f} after the audit, which reads {CHUNK} documents at a time.
- **Finalizing** holds the lock of the numbers for {100 * found.alone.share:.0f} % of its time: one in twenty takes
  {found.alone.whole[1] / found.alone.whole[0]:.1f} times the median. With {found.writers} writers at once on one series the median is
  {found.together.whole[0] / found.alone.whole[0]:.1f} times that of one, on as many processors as the machine has.
"""


def _lines(found: Found) -> list[list[str]]:
    return [
        [
            act.words,
            f"{act.many['statements']:.0f}",
            f"{act.few['rows']:,.0f}",
            f"{act.many['rows']:,.0f}",
            f"{act.ratio:.2f}",
        ]
        for act in found.acts
    ]


def complaints(found: Found) -> list[str]:
    """What grew that may not, in sentences."""
    few, many = found.audits
    said = [sentence for act in found.acts for sentence in _grown(act)]
    said += [
        f"The audit found: {finding}" for finding in (*few.findings, *many.findings)
    ]
    if many.milliseconds > MOST * few.milliseconds:
        said.append("The audit of a document takes too long where there are many.")
    if many.memory > MEGABYTES:
        said.append(f"The process grew to {many.memory:.0f} MB.")
    return said


def _grown(act: Compared) -> Iterator[str]:
    if act.ratio > MOST:
        yield f"{act.words}: {act.ratio:.2f} times the time of few."
    if act.many["statements"] != act.few["statements"]:
        yield (
            f"{act.words}: {act.many['statements']:.0f} statements, and of few "
            f"{act.few['statements']:.0f}."
        )
    for scan in act.scans:
        yield f"{act.words}: {scan[:400]}"
