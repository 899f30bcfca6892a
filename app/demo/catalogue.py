"""The demo's people and artworks: everything here is invented."""

from dataclasses import dataclass
from typing import Literal

Category = Literal[
    "Painting", "Print", "Photography", "Drawing", "Sculpture", "Textile", "Digital", "Other"
]
State = Literal["open", "sold", "ended", "withdrawn"]

# Printed by the demo for everyone to log in with; it guards nothing.
DEMO_PASSWORD = "guess-the-worth-demo"  # noqa: S105


@dataclass(frozen=True)
class DemoPerson:
    """Somebody with an account in the demo."""

    name: str
    email: str


@dataclass(frozen=True)
class DemoArtwork:
    """One listing of the demo, and the state it should be brought into.

    Amounts are whole US cents. `losing_bids_cents` rises from the first bid to the last and stays
    below `threshold_cents`; `winning_bid_cents` is set only when `state` is "sold".
    `ends_in_days` counts from the moment of seeding: negative when the end has already passed,
    None when there is no end date. `picture` is a number for `pictures.paint`, and `seller` an
    index into `SELLERS`.
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

ARTWORKS = (
    DemoArtwork(
        1,
        "Seven Ridges at Dusk",
        "Elin Marrow",
        "Painting",
        "Seven lines of hills, each a little darker than the one behind it. "
        "Painted from memory after a long walk home. Oil on linen, unframed.",
        "Layered violet hills under a purple and orange evening sky, with a pale sun low behind "
        "the farthest ridge.",
        0,
        185000,
        (42000, 60000, 75000, 98000, 120000),
        9,
    ),
    DemoArtwork(
        2,
        "Evening Passage",
        "Jonah Whitlock",
        "Painting",
        "A small boat crosses the bay in the last quarter of an hour of sunlight. "
        "The light on the water was laid down in short, flat strokes. Oil on canvas.",
        "A low sun over a calm sea, its light broken into bright strokes on the water, and a dark "
        "sailing boat to the right.",
        0,
        240000,
        (50000, 82500, 110000, 135000, 150000, 172000, 190000),
        5,
    ),
    DemoArtwork(
        3,
        "Ember Room",
        "Sabine Oduya",
        "Painting",
        "Three blocks of warm colour that seem to breathe when the light in the room changes. "
        "Many thin layers over a dark red ground. Best hung where evening light reaches it.",
        "An abstract of three soft-edged blocks, orange above yellow above crimson, on a dark red "
        "ground.",
        2,
        320000,
        (90000, 140000, 175000),
        14,
    ),
    DemoArtwork(
        4,
        "Three Ferns",
        "Clara Nightingale-Voss",
        "Print",
        "Three fronds, drawn from plants on a north-facing wall. "
        "Screen print in five colours on heavy cotton paper, numbered on the back.",
        "Three upright fern fronds in different greens on cream paper, in front of a large pale "
        "pink circle.",
        1,
        16500,
        (4000, 6500, 8000, 9500, 11000, 12500),
        3,
    ),
    DemoArtwork(
        5,
        "Alphabet Without Letters",
        "Piet Hallam",
        "Print",
        "Twenty tiles built from quarter circles, bars and triangles. "
        "It can be read in any direction and says something different each time.",
        "A grid of four by five square tiles with geometric shapes in black, red, yellow, blue "
        "and tan on cream.",
        1,
        22000,
        (7500, 12000, 15000, 18000),
        None,
        "sold",
        23500,
    ),
    DemoArtwork(
        6,
        "Twelve Good Mornings",
        "Rosa Telleria",
        "Painting",
        "One circle for each morning of a holiday, painted before breakfast. "
        "No two share the same order of colours. Gouache on board.",
        "Twelve squares in a grid of four by three, each with wobbly circles inside circles in "
        "red, yellow, teal, pink and navy.",
        2,
        98000,
        (25000, 31000, 47500, 60000, 66000, 71000, 80000, 84500),
        7,
    ),
    DemoArtwork(
        7,
        "One Breath",
        "Haruki Lindqvist",
        "Drawing",
        "A single round stroke, made without lifting the brush. "
        "The dry end shows how fast it was. Ink on handmade paper.",
        "One black brush stroke that forms an almost closed circle on cream paper, with fine "
        "splashes and a small red seal below.",
        2,
        54000,
        (15000, 22000, 30000),
        11,
    ),
    DemoArtwork(
        8,
        "The Far Bank, 11 p.m.",
        "Marcus Adeyemi-Cole",
        "Digital",
        "A city that does not exist, drawn one window at a time. "
        "Printed with pigment inks on matt paper, with a certificate from the artist.",
        "A skyline at night with hundreds of small lit windows, mirrored in dark water below a "
        "violet sky.",
        1,
        45000,
        (12000, 18000, 24500, 29000, 33000),
        2,
    ),
    DemoArtwork(
        9,
        "Five Flowers, Three Vases",
        "Elin Marrow",
        "Painting",
        "The flowers came from a neighbour and lasted just long enough. "
        "A quiet picture for a kitchen or a hall. Oil on linen.",
        "A still life of a teal bottle, a dark blue vase with five coral flowers, and a cream "
        "vase on a reddish brown table.",
        0,
        128000,
        (30000, 45000, 52000, 70000, 88000, 91500),
        6,
    ),
    DemoArtwork(
        10,
        "Five Walkers",
        "Idris Benhaddou",
        "Photography",
        "The walkers give the dunes their scale; without them the sand could be a hand's breadth "
        "high. Pigment print on cotton paper, edition of ten.",
        "Orange sand dunes with sharp shadows under a pale blue sky, and five tiny dark figures "
        "in a row on the left.",
        0,
        76000,
        (20000, 32000, 41000, 55000),
        12,
    ),
    DemoArtwork(
        11,
        "Waiting for the 38",
        "Nora Castellane",
        "Photography",
        "Seen from a bus shelter on a wet November night. "
        "The lights belong to shops and brakes, but you need not know that to like them.",
        "Raindrops on a window at night, with soft round lights in orange, red, teal and yellow "
        "out of focus behind it.",
        1,
        39500,
        (8000, 14000, 16500, 21000, 26000, 27500, 30000),
        1,
    ),
    DemoArtwork(
        12,
        "Nine Diamonds",
        "Amina Yıldırım",
        "Textile",
        "Hand-woven in wool dyed with madder, indigo and walnut. "
        "The stepped diamonds follow an old pattern; the border is the weaver's own.",
        "A woven rug with stepped diamonds in dark red, navy, ochre and cream inside a striped "
        "border.",
        2,
        410000,
        (120000, 155000, 210000, 260000, 300000),
        20,
    ),
    DemoArtwork(
        13,
        "Birches, First Frost",
        "Jonah Whitlock",
        "Painting",
        "The wood behind the studio on the first cold morning of the year. "
        "The last leaves are still up, and the mist hides where the wood ends.",
        "White birch trunks with dark marks in pale mist, with scattered orange and yellow "
        "leaves above and on the ground.",
        0,
        152000,
        (48000, 66000, 71000),
        8,
    ),
    DemoArtwork(
        14,
        "Balance, No. 7",
        "Greta Solheim",
        "Sculpture",
        "Seven river stones, pinned through the middle so that they stay where they are. "
        "Stands 62 cm high without its plinth, which is not included.",
        "Seven smooth stones in grey, tan, black and brown stacked on a white plinth before a "
        "plain grey wall.",
        2,
        265000,
        (80000, 115000, 140000, 160000),
        None,
    ),
    DemoArtwork(
        15,
        "Slow Weather",
        "Anton Reyes-Holm",
        "Sculpture",
        "A mobile of painted steel that turns in the lightest draught. "
        "It hangs from one hook and needs about a metre of free air around it.",
        "A hanging mobile with seven red, black, yellow and blue plates on thin wires, casting "
        "soft shadows on a pale wall.",
        2,
        198000,
        (55000, 70000, 98500, 120000, 131000, 145000),
        10,
    ),
    DemoArtwork(
        16,
        "Drift Study",
        "Marcus Adeyemi-Cole",
        "Digital",
        "Six hundred and twenty lines follow one invisible current. "
        "The program was written by the artist, run once, and then deleted.",
        "Hundreds of fine curved lines in gold, coral, teal and white sweeping across a dark "
        "navy square.",
        1,
        62000,
        (),
        15,
    ),
    DemoArtwork(
        17,
        "Fir Wood, Early",
        "Clara Nightingale-Voss",
        "Print",
        "Morning haze over a valley, printed from seven blocks. "
        "The paper's own grain does most of the work in the sky.",
        "Misty green hills one behind another beneath a pale sun, with dark fir trees along the "
        "nearest ridges.",
        1,
        28500,
        (9000, 13000, 17500, 21000, 24000),
        None,
        "sold",
        30000,
    ),
    DemoArtwork(
        18,
        "Moon Road",
        "Jonah Whitlock",
        "Painting",
        "The path of the moon across still water, seen from the end of the pier. "
        "Deep blues over a black ground, with the light put on last.",
        "A full moon over a dark blue sea, with a path of broken white light on the water and a "
        "low headland at the left.",
        0,
        175000,
        (35000, 58000, 80000, 96000, 115000, 127500, 133000, 140000, 146000),
        4,
    ),
    DemoArtwork(
        19,
        "North Window",
        "Sabine Oduya",
        "Painting",
        "Blue, green and a band of yellow, as the light falls in the artist's studio. "
        "The edges were left soft so that no colour has the last word.",
        "An abstract of three soft-edged bands, dark blue, pale teal and golden yellow, on an "
        "off-white ground.",
        2,
        295000,
        (100000, 160000),
        18,
    ),
    DemoArtwork(
        20,
        "Eucalyptus, Pressed",
        "Clara Nightingale-Voss",
        "Print",
        "Three branches, pressed for a month and then drawn at twice their size. "
        "Screen print on pale grey paper, edition of forty.",
        "Three branches with rounded leaves in blue and grey greens on pale paper, over a large "
        "light blue circle.",
        1,
        14500,
        (3500, 5000, 7200, 8800),
        6,
    ),
    DemoArtwork(
        21,
        "Composition with a Yellow Beam",
        "Piet Hallam",
        "Print",
        "Everything in this sheet leans on something else. "
        "Lithograph in six colours, signed in pencil in the margin.",
        "Geometric shapes on cream: a tan and black disc with a red centre, a long yellow "
        "diagonal bar, a blue triangle and a red half circle.",
        1,
        36000,
        (10000, 15500, 19000),
        -3,
        "ended",
    ),
    DemoArtwork(
        22,
        "What the Tree Remembers",
        "Rosa Telleria",
        "Other",
        "Cut paper, ring upon ring, glued to a wooden panel. "
        "Wide rings for the good years and thin ones for the others.",
        "Uneven rings inside rings in teal, red, orange, navy and cream that fill a square, "
        "centred a little low and to the left.",
        2,
        87500,
        (20000, 28000, 36500, 51000, 63000),
        13,
    ),
    DemoArtwork(
        23,
        "Reeds and Red Sun",
        "Haruki Lindqvist",
        "Drawing",
        "Brush and ink, with the sun added the day after. "
        "The palest reeds were painted first, with almost clean water.",
        "Thin black and grey ink reeds bending to the right, a red sun behind them, and three "
        "small birds at the upper left.",
        2,
        48000,
        (14000, 21000, 26000, 35000, 41500),
        None,
        "sold",
        52500,
    ),
    DemoArtwork(
        24,
        "Somebody Is Still Up",
        "Nora Castellane",
        "Digital",
        "Twenty windows, most of them lit, and one cat. "
        "Drawn over a winter of looking across the street. Pigment print on matt paper.",
        "The front of a dark house with twenty windows in rows of four; most glow yellow and show "
        "curtains, lamps, plants or a sitting cat.",
        1,
        33000,
        (9000, 12000, 14500, 18000, 22500, 25000),
        2,
    ),
    DemoArtwork(
        25,
        "Pears with a Green Bottle",
        "Elin Marrow",
        "Painting",
        "The bowl appears in many of the artist's pictures; the pears did not last as long. "
        "Oil on panel, in a plain oak frame.",
        "A still life with green and yellow pears in a white bowl, two more pears on the table, "
        "and a tall green bottle against a grey-green wall.",
        0,
        142000,
        (40000, 62000, 78000, 90000),
        9,
    ),
    DemoArtwork(
        26,
        "Last Heat",
        "Idris Benhaddou",
        "Photography",
        "The sand gives back the day's warmth for about an hour after sunset. "
        "This was taken in the first minutes of it. Pigment print, edition of ten.",
        "Rose-coloured dunes with deep purple shadows and fine ripples under a violet sky with a "
        "pale round moon.",
        0,
        81000,
        (26000, 37000, 44500),
        -1,
        "ended",
    ),
    DemoArtwork(
        27,
        "Greenhouse, Raining",
        "Nora Castellane",
        "Photography",
        "Taken from inside, with the lamps of the nursery behind the glass. "
        "The drops are sharp and everything else is only colour.",
        "Raindrops on glass before soft round lights in green, amber, cream and coral on a dark "
        "green ground.",
        1,
        42000,
        (),
        None,
    ),
    DemoArtwork(
        28,
        "Long Road Blanket",
        "Amina Yıldırım",
        "Textile",
        "Bands of teal, rust and sage, each in a pattern of its own. "
        "Wool on a cotton warp, woven in one length over a single winter.",
        "Woven cloth with horizontal bands in teal, rust, sage, cream and dark plum, some with "
        "small checks and zigzags.",
        2,
        225000,
        (70000, 95000),
        None,
        "withdrawn",
    ),
)
