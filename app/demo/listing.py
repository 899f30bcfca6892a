"""What the demo tells of an artwork."""

from dataclasses import dataclass
from typing import Literal

Category = Literal[
    "Painting", "Print", "Photography", "Drawing", "Sculpture", "Textile", "Digital", "Other"
]
State = Literal["open", "sold", "ended", "withdrawn"]


@dataclass(frozen=True)
class DemoArtwork:
    """One listing of the demo, and the state it should be brought into.

    Amounts are whole US cents. `losing_bids_cents` rises from the first bid to the last and stays
    below `threshold_cents`; `winning_bid_cents` is set only when `state` is "sold", and
    `unpaid_bid_cents`, a win that came last and was released, only when it is "ended".
    `ends_in_days` counts from the moment of seeding: negative when the end has already passed,
    None when there is no end date. `picture` is a number for `pictures.paint`, and `seller` an
    index into `people.SELLERS`.
    """

    picture: int
    title: str
    artist_name: str
    category: Category
    description: str
    alt: str
    seller: int
    threshold_cents: int
    losing_bids_cents: tuple[int, ...] = ()
    ends_in_days: int | None = None
    state: State = "open"
    winning_bid_cents: int | None = None
    unpaid_bid_cents: int | None = None
