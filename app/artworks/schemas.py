"""Artworks as the API takes and answers them."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from marshmallow import Schema, ValidationError, fields, post_dump

from app.artworks import rules
from app.artworks.pictures import ACCEPTED
from app.artworks.queries import LARGEST_ID, ArtworkSort, ArtworkView
from app.artworks.states import ArtworkStatus
from app.core import clock, money
from app.core.api import Amount, AmountIn, Moment, MomentIn, PagingIn, Strict, between
from app.core.paging import Page


class TextIn(fields.String):
    """Text that a rule cleans or refuses; `limit`, `least` and `among` stand in the description."""

    def __init__(
        self,
        check: Callable[[str], str],
        limit: int | None = None,
        least: int | None = None,
        among: Sequence[str] = (),
        **kwargs: Any,
    ) -> None:
        said = {"minLength": least, "maxLength": limit, "enum": list(among) or None}
        described = {name: value for name, value in said.items() if value is not None}
        super().__init__(metadata=described, **kwargs)
        self._check = check

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None,
                     **kwargs: Any) -> str:  # fmt: skip
        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            return self._check(str(text))
        except ValueError as wrong:
            raise ValidationError(str(wrong)) from None


class EndIn(MomentIn):
    """A moment at which bidding ends: in the future, at most a year ahead."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None,
                     **kwargs: Any) -> datetime:  # fmt: skip
        moment = super()._deserialize(value, attr, data, **kwargs)
        try:
            return rules.check_end(moment, clock.now())
        except ValueError as wrong:
            raise ValidationError(str(wrong)) from None


class ArtworkPatch(Strict):
    """What is to change; what is absent stays."""

    title = TextIn(rules.check_title, rules.TITLE_LIMIT, least=1)
    artist_name = TextIn(rules.check_artist, rules.ARTIST_LIMIT)
    description = TextIn(rules.check_description, rules.DESCRIPTION_LIMIT)
    category = TextIn(rules.check_category, among=rules.CATEGORIES)
    secret_threshold = AmountIn(attribute="threshold_cents")
    end_date = EndIn(attribute="end_at", allow_none=True)


class ArtworkIn(ArtworkPatch):
    """A new listing."""

    title = TextIn(rules.check_title, rules.TITLE_LIMIT, least=1, required=True)
    secret_threshold = AmountIn(attribute="threshold_cents", required=True)


class RelistIn(Strict):
    """The new end date, if there is to be one."""

    end_date = EndIn(attribute="end_at", allow_none=True)


class ImageIn(Strict):
    """The picture, as a file of a multipart form."""

    image = fields.Raw(
        required=True,
        metadata={"type": "string", "format": "binary", "description": f"{ACCEPTED}, ≤ 10 MB"},
    )


class ImageWordsIn(Strict):
    """What the picture shows, in words."""

    alt = TextIn(rules.check_alt, rules.ALT_LIMIT, load_default="")


class ArtworkListIn(PagingIn):
    """Which artworks, and in which order."""

    status = fields.Enum(ArtworkStatus, by_value=True)
    category = TextIn(rules.check_category, among=rules.CATEGORIES)
    q = TextIn(rules.check_search, rules.SEARCH_LIMIT, load_default="")
    seller_id = fields.Integer(validate=between(1, LARGEST_ID))
    sort = fields.Enum(ArtworkSort, by_value=True, load_default=ArtworkSort.NEWEST)


class SellerOut(Schema):
    """Who sells it."""

    id = fields.Integer()
    name = fields.String()


class ArtworkOut(Schema):
    """An artwork. `secret_threshold` is there for its own seller and admins only."""

    id = fields.Integer()
    title = fields.String()
    artist_name = fields.String()
    description = fields.String()
    category = fields.String()
    image_url = fields.String(allow_none=True)
    image_alt = fields.String()
    seller = fields.Nested(SellerOut)
    status = fields.Enum(ArtworkStatus, by_value=True)
    current_highest_bid = Amount(attribute="current_highest_bid_cents", allow_none=True)
    bid_count = fields.Integer()
    end_date = Moment(allow_none=True)
    sold_price = Amount(attribute="sold_price_cents", allow_none=True)
    created_at = Moment()
    secret_threshold = Amount(attribute="secret_threshold_cents")

    @post_dump
    def leave_out_what_is_not_shown(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """A key with null would tell that there is something to hide from this viewer."""
        if data.get("secret_threshold") is None:
            data.pop("secret_threshold", None)
        return data


def in_json(page: Page[ArtworkView]) -> dict[str, Any]:
    """What the schema makes of a page of artworks, for a list that is asked for often.

    Going through the schema takes longer than finding the artworks.
    """
    items = []
    for art in page.items:
        highest, end, sold = art.current_highest_bid_cents, art.end_date, art.sold_price_cents
        item = {
            "id": art.id,
            "title": art.title,
            "artist_name": art.artist_name,
            "description": art.description,
            "category": art.category,
            "image_url": art.picture.src if art.picture else None,
            "image_alt": art.image_alt,
            "seller": {"id": art.seller_id, "name": art.seller_name},
            "status": art.status,
            "current_highest_bid": None if highest is None else money.amount_text(highest),
            "bid_count": art.bid_count,
            "end_date": None if end is None else clock.iso(end),
            "sold_price": None if sold is None else money.amount_text(sold),
            "created_at": clock.iso(art.created_at),
        }
        if art.secret_threshold_cents is not None:
            item["secret_threshold"] = money.amount_text(art.secret_threshold_cents)
        items.append(item)
    return {
        "items": items,
        "page": page.page,
        "per_page": page.per_page,
        "total": page.total,
    }
