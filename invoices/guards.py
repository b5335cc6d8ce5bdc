"""
Triggers by which the database itself refuses to change what was issued or booked.

Services refuse first, with better words. This is for what passes them by: `update()` in a
shell, a script, a person with a client. `manage.py migrate` puts the guards up.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

# Of a session on MySQL: who has set it is not refused, and says why he is not.
VARIABLE: Final = "@repairing_the_books"
_TEXT: Final = frozenset({"char", "varchar", "text", "mediumtext", "longtext"})
_PREFIX: Final = "guard_"


@dataclass(frozen=True, slots=True)
class Rule:
    """What of a table is refused. Columns that come later are frozen until said here."""

    # As in "… is not deleted." MySQL cuts a message at 128 characters.
    name: str
    # What to do instead.
    instead: str
    # Columns that may change.
    free: frozenset[str] = frozenset()
    # Which rows it is about, by their OLD values; all if empty.
    when: str = ""
    # Changes of free columns that are refused all the same.
    unless: str = ""
    # When no row may be added, by its NEW values; always allowed if empty.
    closed: str = ""


def _part_of_invoice(name: str) -> Rule:
    frozen = (
        "EXISTS (SELECT 1 FROM invoices_invoice AS whole"
        " WHERE whole.id = {row}.invoice_id AND whole.status <> 'draft')"
    )
    return Rule(
        name=f"{name} of a finalized invoice",
        instead="Void it or write a credit note.",
        when=frozen.format(row="OLD"),
        closed=frozen.format(row="NEW"),
    )


def _part_of_credit_note(name: str) -> Rule:
    return Rule(
        name=f"{name} of a credit note",
        instead="Write another document.",
        closed=(
            "EXISTS (SELECT 1 FROM invoices_seal AS seal"
            " WHERE seal.credit_note_id = NEW.credit_note_id)"
        ),
    )


RULES: Final[Mapping[str, Rule]] = {
    "invoices_invoice": Rule(
        name="A finalized invoice",
        instead="Void it or write a credit note.",
        free=frozenset(
            {
                *("status", "paid_at", "voided_at", "due_date", "sent_at"),
                *("link_token", "link_expires_at"),
                *("first_opened_at", "last_opened_at"),
                *("created_by_id", "updated_at"),
            }
        ),
        when="OLD.status <> 'draft'",
        unless=(
            "NEW.due_date < OLD.due_date OR (OLD.status = 'void' AND NEW.status <> 'void')"
        ),
    ),
    "invoices_invoiceline": _part_of_invoice("A line"),
    "invoices_invoiceadjustment": _part_of_invoice("A charge or allowance"),
    "invoices_taxtotal": _part_of_invoice("The tax"),
    "invoices_creditnote": Rule(
        name="A credit note",
        instead="Write another document.",
        free=frozenset({"created_by_id"}),
    ),
    "invoices_creditnoteline": _part_of_credit_note("A line"),
    "invoices_creditnotetax": _part_of_credit_note("The tax"),
    "invoices_document": Rule(
        name="The PDF of a document", instead="It stays as it was issued."
    ),
    "invoices_seal": Rule(name="A seal", instead="It stays as it was issued."),
    "invoices_ledgerentry": Rule(
        name="A ledger entry", instead="Write another against it."
    ),
    "invoices_balanceentry": Rule(
        name="A balance entry", instead="Write another against it."
    ),
    "invoices_manualpayment": Rule(
        name="A payment",
        instead="Take it back.",
        free=frozenset({"reversed_at", "reversal_reason", "recorded_by_id"}),
        unless="OLD.reversed_at IS NOT NULL AND NEW.reversed_at IS NULL",
    ),
    "invoices_counter": Rule(
        name="A run of numbers",
        instead="The next number can be raised.",
        free=frozenset({"next_value"}),
        unless="NEW.next_value < OLD.next_value",
    ),
    "invoices_skippednumbers": Rule(
        name="A record of skipped numbers", instead="It stays as it was written."
    ),
}


def put_up(connection: BaseDatabaseWrapper) -> None:
    """Make the guards as they should be, of all tables there are. May run twice."""
    wanted = dict(_wanted(connection))
    known = _known(connection)
    with connection.cursor() as cursor:
        for name in known:
            if known[name] != wanted.get(name):
                cursor.execute(f"DROP TRIGGER {name}")
        for name, statement in wanted.items():
            if known.get(name) != statement:
                cursor.execute(statement)


def take_down(connection: BaseDatabaseWrapper) -> None:
    with connection.cursor() as cursor:
        for name in _known(connection):
            cursor.execute(f"DROP TRIGGER {name}")


@contextmanager
def lifted(connection: BaseDatabaseWrapper, reason: str) -> Iterator[None]:
    """
    For a migration that must fill frozen rows, or a repair that a person answers for.

    On MySQL for this session alone; on SQLite for all of them, until the end.
    """
    if connection.vendor == "mysql":
        with connection.cursor() as cursor:
            cursor.execute(f"SET {VARIABLE} = %s", [reason])
            try:
                yield
            finally:
                cursor.execute(f"SET {VARIABLE} = NULL")
        return
    with transaction.atomic(using=connection.alias):
        take_down(connection)
        yield
        put_up(connection)


def _known(connection: BaseDatabaseWrapper) -> dict[str, str]:
    """The guards that are there, with the statement that made each."""
    if connection.vendor == "mysql":
        query = (
            "SELECT TRIGGER_NAME, CONCAT('CREATE TRIGGER ', TRIGGER_NAME, ' ',"
            " ACTION_TIMING, ' ', EVENT_MANIPULATION, ' ON ', EVENT_OBJECT_TABLE,"
            " ' FOR EACH ROW ', ACTION_STATEMENT) FROM information_schema.TRIGGERS"
            " WHERE TRIGGER_SCHEMA = DATABASE() AND LEFT(TRIGGER_NAME, 6) = %s"
        )
    else:
        query = (
            "SELECT name, sql FROM sqlite_master"
            " WHERE type = 'trigger' AND substr(name, 1, 6) = %s"
        )
    with connection.cursor() as cursor:
        cursor.execute(query, [_PREFIX])
        return dict(cursor.fetchall())


def _wanted(connection: BaseDatabaseWrapper) -> Iterator[tuple[str, str]]:
    there = set(connection.introspection.table_names())
    for table, rule in RULES.items():
        if table in there:
            for event, condition, words in _refusals(connection, table, rule):
                name = f"{_PREFIX}{table}_{event.lower()}"
                message = f"{rule.name} {words}. {rule.instead}"
                yield (
                    name,
                    _statement(connection, name, event, table, condition, message),
                )


def _refusals(
    connection: BaseDatabaseWrapper, table: str, rule: Rule
) -> Iterator[tuple[str, str, str]]:
    changes = [
        _differs(connection, column, is_text=is_text)
        for column, is_text in _columns(connection, table)
        if column not in rule.free
    ]
    changed = " OR ".join([*changes, *([rule.unless] if rule.unless else [])])
    when = rule.when or "1 = 1"
    # Nor is a row moved from where it may change to where none is added.
    either = " OR ".join(filter(None, [when, rule.closed]))
    yield "UPDATE", f"({either}) AND ({changed})", "does not change"
    yield "DELETE", when, "is not deleted"
    if rule.closed:
        yield "INSERT", rule.closed, "is not added"


def _statement(
    connection: BaseDatabaseWrapper,
    name: str,
    event: str,
    table: str,
    condition: str,
    message: str,
) -> str:
    head = f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW"
    if connection.vendor == "mysql":
        return (
            f"{head} BEGIN IF {VARIABLE} IS NULL AND {condition} THEN"
            f" SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '{message}'; END IF; END"
        )
    return f"{head} WHEN {condition} BEGIN SELECT RAISE(ABORT, '{message}'); END"


def _differs(connection: BaseDatabaseWrapper, column: str, *, is_text: bool) -> str:
    if connection.vendor != "mysql":
        return f"(NEW.{column} COLLATE BINARY) IS NOT OLD.{column}"
    if is_text:
        # Byte by byte: to the collation, case and accents are no change.
        new, old = (f"CAST({row}.{column} AS BINARY)" for row in ("NEW", "OLD"))
        return f"NOT ({new} <=> {old})"
    return f"NOT (NEW.{column} <=> OLD.{column})"


def _columns(connection: BaseDatabaseWrapper, table: str) -> list[tuple[str, bool]]:
    """Each column, in their order, and whether it holds text."""
    if connection.vendor == "mysql":
        query = (
            "SELECT COLUMN_NAME, DATA_TYPE FROM information_schema.COLUMNS"
            " WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = %s"
            " ORDER BY ORDINAL_POSITION"
        )
    else:
        # Django's introspection parses the table's SQL as well, which takes its time.
        query = "SELECT name, lower(type) FROM pragma_table_xinfo(%s) WHERE hidden <> 1"
    with connection.cursor() as cursor:
        cursor.execute(query, [table])
        return [(name, kind in _TEXT) for name, kind in cursor.fetchall()]
