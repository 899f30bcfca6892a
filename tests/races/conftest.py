"""The same market as the payments' tests."""

from tests.payments.conftest import market, more_settings, settings_given

__all__ = ["market", "more_settings", "settings_given"]
