"""Bids: the rules, and the one transaction that places one."""
