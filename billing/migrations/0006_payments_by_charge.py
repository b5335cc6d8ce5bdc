from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0005_held_payments_are_decided_on'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='payment',
            index=models.Index(fields=['charge'], name='payment_by_charge'),
        ),
    ]
