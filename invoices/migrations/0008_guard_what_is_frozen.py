from django.db import migrations

from invoices import guards


def put_up(apps, schema_editor):
    # SQLite changes a table by making it anew, which its triggers do not survive and those
    # of others forbid; there `migrate` puts the guards up when all migrations are through.
    if schema_editor.connection.vendor == "mysql":
        guards.put_up(schema_editor.connection)


def take_down(apps, schema_editor):
    guards.take_down(schema_editor.connection)


class Migration(migrations.Migration):

    dependencies = [("invoices", "0007_seal_what_was_issued")]

    operations = [migrations.RunPython(put_up, take_down)]
