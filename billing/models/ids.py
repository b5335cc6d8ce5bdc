# Stripe promises no more for its ids.
ID_LENGTH = 255
