import secrets

from django.db import migrations

from invoices import seals

CHUNK = 500


def seal(apps, schema_editor):
    """Seals invoices that were finalized before there were seals, in the order of their numbers."""
    Counter = apps.get_model("invoices", "Counter")
    Invoice = apps.get_model("invoices", "Invoice")
    for counter in Counter.objects.order_by("pk"):
        invoices = Invoice.objects.filter(counter=counter, seal=None).select_related("revises")
        previous, after = "", 0
        while chunk := list(
            invoices.filter(sequence__gt=after)
            .order_by("sequence")
            .prefetch_related("lines", "adjustments", "taxes")[:CHUNK]
        ):
            previous = _seal(apps.get_model("invoices", "Seal"), chunk, previous)
            after = chunk[-1].sequence


def _seal(Seal, invoices, previous):
    rows = []
    for invoice in invoices:
        content = seals.of_invoice(
            invoice, _in_order(invoice.lines), _in_order(invoice.adjustments), invoice.taxes.all()
        )
        text = seals.numbered(content, invoice.number, invoice.sequence)
        own = seals.sha256(text)
        chain = seals.chained(previous, own)
        rows.append(
            Seal(
                counter_id=invoice.counter_id,
                sequence=invoice.sequence,
                invoice=invoice,
                content=text,
                sha256=own,
                previous=previous,
                chain=chain,
                code=secrets.token_urlsafe(16),
            )
        )
        previous = chain
    Seal.objects.bulk_create(rows)
    return previous


def _in_order(rows):
    return sorted(rows.all(), key=lambda row: (row.position, row.pk))


class Migration(migrations.Migration):

    dependencies = [("invoices", "0006_some_things_are_outside_the_scope_of_tax")]

    # Nothing to take back: the seals go with their table.
    operations = [migrations.RunPython(seal, migrations.RunPython.noop, elidable=True)]
