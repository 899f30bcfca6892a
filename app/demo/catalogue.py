"""What the demo puts into an instance: its people and its artworks, all of them invented."""

from app.demo.editions import EDITIONS
from app.demo.listing import Category, DemoArtwork, State
from app.demo.originals import ORIGINALS
from app.demo.people import ADMIN, BUYERS, DEMO_PASSWORD, SELLERS, DemoPerson

__all__ = [
    "ADMIN",
    "ARTWORKS",
    "BUYERS",
    "DEMO_PASSWORD",
    "OLDEST_FIRST",
    "SELLERS",
    "Category",
    "DemoArtwork",
    "DemoPerson",
    "State",
]

# Both kinds mixed, as the pictures are numbered: a page of the demo shows some of each.
ARTWORKS = tuple(sorted((*ORIGINALS, *EDITIONS), key=lambda artwork: artwork.picture))
# As they come into an instance: numbers and dates of listings run the same way.
OLDEST_FIRST = ARTWORKS[::-1]
