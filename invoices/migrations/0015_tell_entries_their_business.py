from django.db import migrations
from django.db.models import OuterRef, Subquery

from invoices import guards

CHUNK = 1000


def fill(apps, schema_editor):
    """Entries that were written before they knew their business."""
    LedgerEntry = apps.get_model("invoices", "LedgerEntry")
    Invoice = apps.get_model("invoices", "Invoice")
    of_invoice = Invoice.objects.filter(pk=OuterRef("invoice")).values("business")
    last = LedgerEntry.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    with guards.lifted(schema_editor.connection, "ledger entries know their business"):
        for after in range(0, last, CHUNK):
            LedgerEntry.objects.filter(
                pk__gt=after, pk__lte=after + CHUNK, business=None
            ).update(business=Subquery(of_invoice))


class Migration(migrations.Migration):

    dependencies = [("invoices", "0014_entries_know_their_business")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop, elidable=True)]
