"""An application of these tests' own."""

from tests.secrecy.conftest import app

__all__ = ["app"]
