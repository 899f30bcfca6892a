"""What everyone stands on: extensions, transactions, the clock, money, errors, audit, events."""
