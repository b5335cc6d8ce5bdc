from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('invoices', '0016_what_grows_is_found_by_index'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='balanceentry',
            name='balance_entry_sign_fits_kind',
        ),
        migrations.AlterField(
            model_name='balanceentry',
            name='kind',
            field=models.CharField(choices=[('credit_note', 'Excess of a credit note'), ('overpayment', 'Paid more than was due'), ('held', 'Held money, kept'), ('applied', 'Applied to an invoice'), ('returned', 'The payment was taken back'), ('held_returned', 'Held money, kept and taken back')], max_length=20),
        ),
        migrations.AlterField(
            model_name='ledgerentry',
            name='kind',
            field=models.CharField(choices=[('payment', 'Payment'), ('held', 'Held for a decision'), ('refund', 'Refund'), ('refund_failed', 'Refund failed'), ('held_refund', 'Refund of held money'), ('held_refund_failed', 'Refund of held money failed'), ('held_to_balance', 'Held money kept as customer balance'), ('held_from_balance', 'Kept money taken back from balance'), ('dispute', 'Withdrawn for a dispute'), ('dispute_back', 'Given back after a dispute'), ('held_dispute', 'Held money withdrawn for a dispute'), ('held_dispute_back', 'Held money given back after a dispute'), ('payment_reversed', 'Payment taken back'), ('credit', 'Credited'), ('from_balance', 'Paid from customer balance'), ('to_balance', 'Kept as customer balance'), ('out_of_band', 'Paid back otherwise')], max_length=20),
        ),
        migrations.AddConstraint(
            model_name='balanceentry',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('amount__lt', 0), ('kind__in', ['applied', 'returned', 'held_returned'])), models.Q(models.Q(('kind__in', ['applied', 'returned', 'held_returned']), _negated=True), ('amount__gt', 0)), _connector='OR'), name='balance_entry_sign_fits_kind'),
        ),
    ]
