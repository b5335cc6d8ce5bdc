from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0006_payments_by_charge'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='checkout',
            index=models.Index(fields=['status'], name='checkout_by_status'),
        ),
        migrations.AddIndex(
            model_name='payment',
            index=models.Index(fields=['received_at'], name='payment_by_arrival'),
        ),
        migrations.AddIndex(
            model_name='payment',
            index=models.Index(fields=['created_at'], name='payment_by_writing'),
        ),
        migrations.AddIndex(
            model_name='reconciliationrun',
            index=models.Index(fields=['status', 'until'], name='reconciliation_run_by_status'),
        ),
        migrations.AddIndex(
            model_name='refund',
            index=models.Index(fields=['status'], name='refund_by_status'),
        ),
        migrations.AddIndex(
            model_name='refund',
            index=models.Index(fields=['updated_at'], name='refund_by_change'),
        ),
    ]
