from billing.models.payments import Payment


class HeldPayment(Payment):
    """A payment that does not fit the books, on the desk where that is decided."""

    class Meta:
        proxy = True
        verbose_name = "payment to decide on"
        verbose_name_plural = "money to decide on"
