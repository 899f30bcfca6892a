"""The demo's people: everybody here is invented."""

from dataclasses import dataclass

# Printed by the demo for everyone to log in with; it guards nothing.
DEMO_PASSWORD = "guess-the-worth-demo"  # noqa: S105


@dataclass(frozen=True)
class DemoPerson:
    """Somebody with an account in the demo."""

    name: str
    email: str


SELLERS = (
    DemoPerson("Linden & Vale Gallery", "seller1@example.com"),
    DemoPerson("Harbour Street Editions", "seller2@example.com"),
    DemoPerson("The Quiet Room", "seller3@example.com"),
)
BUYERS = (
    DemoPerson("Maya Fenwick", "buyer1@example.com"),
    DemoPerson("Tomasz Brandt", "buyer2@example.com"),
    DemoPerson("Ines Carrow", "buyer3@example.com"),
    DemoPerson("Dev Halloran", "buyer4@example.com"),
)
ADMIN = DemoPerson("Robin Ashdown", "admin@example.com")
