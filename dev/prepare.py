"""`python -m dev.prepare`: bring a database to the newest tables and put the demo into it.

One process for both: to load the product takes longer than what it does then. The pictures, which
take longest of all, are begun before it is loaded where the database is known to be empty.
"""

import argparse
import sys

from app.artworks.pictures import EncodedPicture, encode_picture
from app.demo.catalogue import OLDEST_FIRST
from app.demo.painters import Painters


def main(arguments: list[str] | None = None) -> int:
    """Prepare the database of the environment; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m dev.prepare", description=__doc__)
    parser.add_argument("--empty", action="store_true", help="there is nothing in the database yet")
    options = parser.parse_args(arguments)
    with Painters(encode_picture) as painters:
        if options.empty:
            painters.begin(art.picture for art in OLDEST_FIRST)
        return prepare(painters)


def prepare(painters: Painters[EncodedPicture]) -> int:
    """Load the product, migrate and seed; says on stderr why it could not."""
    from flask_migrate import upgrade

    from app import create_app
    from app.config import SettingsError
    from app.demo.service import DemoRefused, seed_demo

    try:
        app = create_app()
    except SettingsError as wrong:
        print(wrong.report("Guess The Worth"), file=sys.stderr)
        return 2
    with app.app_context():
        upgrade()
        try:
            print(seed_demo(print, painters))
        except DemoRefused as refused:
            print(f"no demo here: {refused}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
