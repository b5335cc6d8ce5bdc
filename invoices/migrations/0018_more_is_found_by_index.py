from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('invoices', '0017_kept_money_can_be_taken_back'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='customer',
            index=models.Index(fields=['business', 'country'], name='customer_by_country'),
        ),
        migrations.AddIndex(
            model_name='balanceentry',
            index=models.Index(fields=['source'], name='balance_by_source'),
        ),
        migrations.AddIndex(
            model_name='ledgerentry',
            index=models.Index(fields=['source'], name='ledger_by_source'),
        ),
        migrations.AddIndex(
            model_name='ledgerentry',
            index=models.Index(fields=['created_at'], name='ledger_by_writing'),
        ),
    ]
