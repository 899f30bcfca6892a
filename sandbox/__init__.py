"""A stand-in for Stripe: its own process, for development and tests. No money moves here.

It speaks the part of Stripe's HTTP API that a Checkout redirect needs, shows a hosted payment
page, signs and delivers webhooks, and can be told to fail in each way that Stripe can fail.
"""

API_VERSION = "2026-10-28.endive"
