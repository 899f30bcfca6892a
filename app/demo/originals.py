"""The demo's single pieces: paintings, drawings, sculptures, textiles and the rest."""

from app.demo.listing import DemoArtwork

ORIGINALS = (
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
