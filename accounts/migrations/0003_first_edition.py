from django.db import migrations


def forwards(apps, schema_editor):
    # Without this row nothing is kept, which is right as well, and slow.
    apps.get_model("accounts", "Edition").objects.get_or_create(pk=1)


class Migration(migrations.Migration):

    dependencies = [
        ("accounts", "0002_edition"),
    ]

    operations = [
        migrations.RunPython(forwards, migrations.RunPython.noop),
    ]
