"""The demo's works that leave a press or a printer: prints, photographs and digital ones."""

from app.demo.listing import DemoArtwork

EDITIONS = (
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
        unpaid_bid_cents=38500,
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
        unpaid_bid_cents=83000,
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
)
