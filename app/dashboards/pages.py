"""The pages that show people what is theirs."""

from typing import Any

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue

from app.accounts import queries as accounts
from app.artworks import queries as artworks
from app.artworks.queries import ArtworkFilters
from app.artworks.states import ARTWORK_MOVES, ArtworkEvent, ArtworkStatus
from app.bidding import queries as bidding
from app.core import clock
from app.core.access import Who, access, viewer
from app.core.paging import DEFAULT_PER_PAGE, Page
from app.dashboards import queries
from app.dashboards.forms import WhatIfForm
from app.dashboards.sheets import sales_sheet
from app.payments import queries as payments
from app.payments.states import CAPTURED

blueprint = Blueprint("dashboards", __name__)

_LAST_PAGE = 1_000_000
_FAVOURITES_PER_PAGE = 12


@blueprint.get("/me/bids")
@access(Who.USER, while_suspended=True)
def my_bids() -> str:
    """What each of one's bids came to."""
    page = bidding.my_bids(viewer().id, _page(), DEFAULT_PER_PAGE)
    return render_template("dashboards/my_bids.html", page=page, pictures=_pictures(page))


@blueprint.get("/me/payments")
@access(Who.USER, while_suspended=True)
def my_payments() -> str:
    """What one owes and has paid."""
    page = payments.payments_of_buyer(viewer().id, _page(), DEFAULT_PER_PAGE)
    return render_template("dashboards/my_payments.html", page=page, pictures=_pictures(page))


@blueprint.get("/me/favourites")
@access(Who.USER, while_suspended=True)
def my_favourites() -> str:
    """The artworks that one keeps an eye on, the one added last first."""
    page = artworks.favourite_cards(viewer(), _page(), _FAVOURITES_PER_PAGE)
    return render_template("dashboards/my_favourites.html", page=page)


@blueprint.get("/seller")
@access(Who.SELLER)
def seller() -> str:
    """A seller's numbers, days and artworks."""
    person = viewer()
    chosen = request.args.get("status", "")
    status = ArtworkStatus(chosen) if chosen in set(ArtworkStatus) else None
    filters = ArtworkFilters(status=status, seller_id=person.id, viewer=person)
    return render_template(
        "dashboards/seller.html",
        numbers=queries.seller_numbers(person.id),
        days=queries.seller_days(person.id),
        page=artworks.artworks(filters, _page(), DEFAULT_PER_PAGE),
        status=status,
        statuses=list(ArtworkStatus),
        moves=_moves,
    )


@blueprint.get("/seller/sales.csv")
@access(Who.SELLER)
def sales() -> ResponseReturnValue:
    """A seller's sales as a sheet to keep."""
    sheet = sales_sheet(queries.seller_sales(viewer().id))
    name = f"sales-{clock.now():%Y-%m-%d}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(sheet, mimetype="text/csv", headers=headers)


@blueprint.get("/seller/artworks/<int:artwork_id>")
@access(Who.SELLER)
def seller_artwork(artwork_id: int) -> ResponseReturnValue:
    """One of the seller's own artworks: where it stands and how it came there."""
    return _own_artwork_page(artwork_id, WhatIfForm(formdata=None))


@blueprint.post("/seller/artworks/<int:artwork_id>/what-if")
@access(Who.SELLER)
def what_if(artwork_id: int) -> ResponseReturnValue:
    """What another hidden minimum would have come to. A POST, so that no address holds it."""
    form = WhatIfForm()
    if not form.validate_on_submit():
        return _own_artwork_page(artwork_id, form), 422
    # Before any number of it is read: whether the artwork is theirs.
    artworks.own_artwork(artwork_id, viewer())
    return _own_artwork_page(artwork_id, form, queries.what_if(artwork_id, form.minimum_cents))


def _own_artwork_page(
    artwork_id: int, form: WhatIfForm, answer: queries.WhatIf | None = None
) -> str:
    person = viewer()
    artwork = artworks.own_artwork(artwork_id, person)
    payment = None
    if artwork.status in (ArtworkStatus.PENDING_PAYMENT, ArtworkStatus.SOLD):
        payment = payments.payment_in_force(artwork_id, person)
    paid = payment is not None and payment.status in CAPTURED
    return render_template(
        "dashboards/seller_artwork.html",
        art=artwork,
        payment=payment,
        # Only who has paid is told to the seller: somebody has to send them the artwork.
        buyer=accounts.person(payment.buyer_id) if payment is not None and paid else None,
        story=queries.artwork_story(artwork_id),
        moves=_moves(artwork.status),
        form=form,
        what_if=answer,
        what_if_floor=queries.WHAT_IF_FLOOR,
    )


def _pictures(page: Page[Any]) -> dict[int, artworks.ShownPicture]:
    return artworks.pictures([row.artwork_id for row in page.items])


def _moves(status: ArtworkStatus) -> set[str]:
    """What a seller may do with an artwork in that state: `withdrawn`, `relisted`."""
    own = (ArtworkEvent.WITHDRAWN, ArtworkEvent.RELISTED)
    return {event.value for event in own if (status, event) in ARTWORK_MOVES}


def _page() -> int:
    """The page that the address asks for; the first one when it makes no sense."""
    asked = request.args.get("page", "1")
    number = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 8 else 1
    return min(max(number, 1), _LAST_PAGE)
