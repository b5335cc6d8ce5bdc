import django.db.models.expressions
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("invoices", "0003_number_what_is_there")]

    operations = [
        migrations.AddConstraint(
            model_name='invoice',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('finalized_at__isnull', True), ('number__isnull', True), ('status', 'draft'), ('total__isnull', True)), models.Q(models.Q(('status', 'draft'), _negated=True), ('counter__isnull', False), ('discount__isnull', False), ('due_date__isnull', False), ('finalized_at__isnull', False), ('issue_date__isnull', False), ('link_token__isnull', False), ('net__isnull', False), ('number__isnull', False), ('payable__isnull', False), ('prepaid__isnull', False), ('rounding__isnull', False), ('sequence__isnull', False), ('subtotal__isnull', False), ('tax__isnull', False), ('total__isnull', False)), _connector='OR'), name='invoice_frozen_exactly_when_not_draft'),
        ),
        migrations.RemoveField(
            model_name='series',
            name='next_value',
        ),
    ]
