"""The demo's pictures are repeatable and distinct, and its catalogue is coherent."""

import hashlib
import subprocess
import sys
from io import BytesIO
from itertools import combinations, pairwise
from pathlib import Path
from typing import get_args

import pytest
from PIL import Image, ImageChops, ImageStat

from app.artworks.pictures import EncodedPicture, encode_picture
from app.demo.catalogue import ADMIN, ARTWORKS, BUYERS, OLDEST_FIRST, SELLERS, Category
from app.demo.painters import Painters
from app.demo.pictures import PICTURE_COUNT, RECIPES, paint

ROOT = Path(__file__).parents[2]
NUMBERS = range(1, PICTURE_COUNT + 1)


@pytest.fixture(scope="module")
def pictures() -> dict[int, Image.Image]:
    return {number: paint(number) for number in NUMBERS}


def test_there_are_enough_pictures_by_enough_painters() -> None:
    assert PICTURE_COUNT >= 28
    assert len({recipe.painter for recipe in RECIPES}) >= 9


def fingerprint(image: Image.Image) -> str:
    return hashlib.sha256(image.tobytes()).hexdigest()


def test_another_process_paints_the_same_pictures(pictures: dict[int, Image.Image]) -> None:
    # Backwards: what was painted before must not matter.
    program = (
        "import hashlib\n"
        "from app.demo.pictures import PICTURE_COUNT, paint\n"
        "for number in range(PICTURE_COUNT, 0, -1):\n"
        "    print(hashlib.sha256(paint(number).tobytes()).hexdigest())\n"
    )
    printed = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert printed[::-1] == [fingerprint(pictures[number]) for number in NUMBERS]


def test_no_two_pictures_are_the_same(pictures: dict[int, Image.Image]) -> None:
    assert len({fingerprint(image) for image in pictures.values()}) == PICTURE_COUNT


def test_no_two_pictures_look_alike(pictures: dict[int, Image.Image]) -> None:
    small = {
        number: image.resize((4, 4), Image.Resampling.BOX) for number, image in pictures.items()
    }
    for one, other in combinations(NUMBERS, 2):
        apart = ImageStat.Stat(ImageChops.difference(small[one], small[other])).mean
        assert sum(apart) / 3 > 12, f"pictures {one} and {other} look alike"


@pytest.mark.parametrize("number", NUMBERS)
def test_a_picture_is_of_the_promised_size(pictures: dict[int, Image.Image], number: int) -> None:
    image = pictures[number]
    assert image.mode == "RGB"
    assert 1500 <= max(image.size) <= 1600
    assert min(image.size) >= 1000
    assert max(ImageStat.Stat(image).stddev) > 10, "an almost empty picture"


def test_painters_hand_out_what_painting_here_gives(pictures: dict[int, Image.Image]) -> None:
    with Painters(encode_picture) as painters:
        painters.begin([5, 21])
        # The last was not asked for before.
        for number in (21, 5, 15):
            taken = painters.take(number)
            assert taken == encode_picture(pictures[number])
            check_files(taken)


def check_files(picture: EncodedPicture) -> None:
    """Every size is a sound file, and none is heavy."""
    assert set(picture.files) == {"400.webp", "800.webp", "1200.jpg", "1600.webp"}
    for name, data in picture.files.items():
        assert 2_000 < len(data) < 400_000, name
        with Image.open(BytesIO(data)) as image:
            image.load()
            width = int(name.partition(".")[0])
            assert image.width == min(width, picture.width)


def test_portraits_landscapes_and_squares_all_occur() -> None:
    shapes = {(width > height) - (width < height) for width, height in (r.size for r in RECIPES)}
    assert shapes == {-1, 0, 1}


@pytest.mark.parametrize("number", [-1, 0, PICTURE_COUNT + 1])
def test_a_number_without_a_picture_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match=f"not {number}"):
        paint(number)


def test_every_picture_belongs_to_one_artwork() -> None:
    assert sorted(artwork.picture for artwork in ARTWORKS) == list(NUMBERS)


def test_the_newest_listing_bears_the_first_number() -> None:
    assert [artwork.picture for artwork in OLDEST_FIRST] == list(reversed(NUMBERS))


def test_titles_are_not_repeated() -> None:
    assert len({artwork.title for artwork in ARTWORKS}) == len(ARTWORKS)


def test_losing_bids_rise_and_stay_below_the_threshold() -> None:
    for artwork in ARTWORKS:
        bids = artwork.losing_bids_cents
        steps = [*bids, artwork.threshold_cents]
        assert len(bids) <= 9, artwork.title
        assert all(low < high for low, high in pairwise(steps)), artwork.title


def test_amounts_are_whole_cents_within_the_limits() -> None:
    for artwork in ARTWORKS:
        winning = () if artwork.winning_bid_cents is None else (artwork.winning_bid_cents,)
        for cents in (artwork.threshold_cents, *artwork.losing_bids_cents, *winning):
            assert type(cents) is int, artwork.title
            assert 50 <= cents <= 99_999_999, artwork.title


def test_only_a_sold_artwork_has_a_winning_bid_and_it_reaches_the_threshold() -> None:
    for artwork in ARTWORKS:
        assert (artwork.state == "sold") == (artwork.winning_bid_cents is not None), artwork.title
        if artwork.winning_bid_cents is not None:
            assert artwork.winning_bid_cents >= artwork.threshold_cents, artwork.title


def test_the_states_are_as_wished() -> None:
    states = [artwork.state for artwork in ARTWORKS]
    assert {state: states.count(state) for state in set(states)} == {
        "open": len(ARTWORKS) - 6,
        "sold": 3,
        "ended": 2,
        "withdrawn": 1,
    }


def test_only_ended_artworks_have_an_end_date_in_the_past() -> None:
    for artwork in ARTWORKS:
        past = artwork.ends_in_days is not None and artwork.ends_in_days < 0
        assert past == (artwork.state == "ended"), artwork.title
        assert artwork.ends_in_days != 0, artwork.title


def test_every_artwork_is_fully_described() -> None:
    for artwork in ARTWORKS:
        assert artwork.category in get_args(Category), artwork.title
        assert artwork.seller in range(len(SELLERS)), artwork.title
        assert artwork.artist_name
        assert 2 <= artwork.description.count(". ") + artwork.description.endswith(".") <= 3
        assert 40 <= len(artwork.alt) <= 200, artwork.title


def test_every_category_and_every_seller_occurs() -> None:
    assert {artwork.category for artwork in ARTWORKS} == set(get_args(Category))
    assert {artwork.seller for artwork in ARTWORKS} == set(range(len(SELLERS)))


def test_people_have_the_promised_addresses() -> None:
    assert [person.email for person in (*SELLERS, *BUYERS, ADMIN)] == [
        *(f"seller{number}@example.com" for number in (1, 2, 3)),
        *(f"buyer{number}@example.com" for number in (1, 2, 3, 4)),
        "admin@example.com",
    ]
