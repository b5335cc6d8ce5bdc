import re

from django.db import migrations
from django.db.models import F


def fill(apps, schema_editor):
    """Gives runs to the series, and to each finalized invoice its place and what is payable."""
    Series = apps.get_model("invoices", "Series")
    Counter = apps.get_model("invoices", "Counter")
    Invoice = apps.get_model("invoices", "Invoice")
    for series in Series.objects.all():
        counter, _ = Counter.objects.get_or_create(
            series=series, year=0, defaults={"next_value": series.next_value}
        )
        finalized = Invoice.objects.filter(
            business=series.business_id, number__isnull=False, sequence__isnull=True
        )
        for invoice in finalized.only("pk", "number").iterator():
            sequence = int(re.search(r"\d+$", invoice.number)[0])
            Invoice.objects.filter(pk=invoice.pk).update(
                counter=counter,
                sequence=sequence,
                prepaid=0,
                rounding=0,
                payable=F("total"),
                language="en",
            )


class Migration(migrations.Migration):

    dependencies = [("invoices", "0002_documents_numbers_and_mail")]

    # Nothing to take back: what it filled goes with the columns.
    operations = [migrations.RunPython(fill, migrations.RunPython.noop, elidable=True)]
