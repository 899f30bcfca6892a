"""Artworks in JSON."""

from typing import Any

from flask import Request, Response, jsonify
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import RequestEntityTooLarge

from app.artworks import queries, service
from app.artworks.pictures import BYTES_LIMIT, PictureRefused, PicturesBusy, PictureTooLarge
from app.artworks.queries import ArtworkFilters, ArtworkView
from app.artworks.schemas import (
    ArtworkIn,
    ArtworkListIn,
    ArtworkOut,
    ArtworkPatch,
    ImageIn,
    ImageWordsIn,
    RelistIn,
    in_json,
)
from app.artworks.service import ArtworkChanges, NewArtwork
from app.core.access import Who, access, viewer, viewer_or_none
from app.core.api import ApiBlueprint, StrictParser, page_of, refuses
from app.core.errors import Invalid
from app.core.uploads import close_files


class _BodyMayBeAbsent(StrictParser):
    """No body is an empty one: relisting needs none, and a listing's fields are missing then.

    A change without a body is a mistake of whoever sends it: it would change nothing.
    """

    def _raw_load_json(self, req: Request) -> Any:
        sent = req.get_data(cache=True) or req.method == "PATCH"
        return super()._raw_load_json(req) if sent else {}


class _Blueprint(ApiBlueprint):
    ARGUMENTS_PARSER = _BodyMayBeAbsent()


blueprint = _Blueprint(
    "artworks_api", __name__, url_prefix="/api/artworks", description="Artworks and their pictures"
)
blueprint.teardown_request(close_files)


@blueprint.get("")
@access(Who.ANYONE)
@blueprint.arguments(ArtworkListIn, location="query")
@blueprint.response(200, page_of(ArtworkOut))
def list_artworks(asked: dict[str, Any]) -> Response:
    """Artworks in pages; withdrawn ones only in the caller's own list."""
    page, per_page = asked.pop("page"), asked.pop("per_page")
    found = queries.artworks(ArtworkFilters(**asked, viewer=viewer_or_none()), page, per_page)
    return jsonify(in_json(found))


@blueprint.post("")
@access(Who.SELLER)
@blueprint.arguments(ArtworkIn)
@blueprint.response(201, ArtworkOut)
def create_artwork(body: dict[str, Any]) -> ArtworkView:
    """List an artwork, open for bids at once."""
    artwork_id = service.create_artwork(viewer(), NewArtwork(**body))
    return queries.artwork(artwork_id, viewer())


@blueprint.get("/<int:artwork_id>")
@access(Who.ANYONE)
@blueprint.response(200, ArtworkOut)
def show_artwork(artwork_id: int) -> ArtworkView:
    """One artwork; `secret_threshold` for its seller and admins only."""
    return queries.artwork(artwork_id, viewer_or_none())


@blueprint.patch("/<int:artwork_id>")
@access(Who.SELLER)
@blueprint.arguments(ArtworkPatch)
@blueprint.response(200, ArtworkOut)
@refuses(service.StateForbids, service.ThresholdTooLow)
def edit_artwork(body: ArtworkChanges, artwork_id: int) -> ArtworkView:
    """Change an own artwork; 409 while it is reserved or once it is sold."""
    service.edit_artwork(viewer(), artwork_id, body)
    return queries.artwork(artwork_id, viewer())


@blueprint.put("/<int:artwork_id>/image")
@access(Who.SELLER)
@blueprint.arguments(ImageIn, location="files")
@blueprint.arguments(ImageWordsIn, location="form")
@blueprint.response(200, ArtworkOut)
@refuses(Invalid, service.StateForbids, PicturesBusy)
def set_image(files: dict[str, FileStorage], words: dict[str, str], artwork_id: int) -> ArtworkView:
    """Give an own artwork a picture: JPEG, PNG or WebP, at most 10 MB."""
    # One byte more than permitted is enough to know.
    data = files["image"].stream.read(BYTES_LIMIT + 1)
    try:
        service.set_picture(viewer(), artwork_id, data, words["alt"])
    except PictureTooLarge as wrong:
        raise RequestEntityTooLarge(str(wrong)) from None
    except PictureRefused as wrong:
        raise Invalid.field("image", str(wrong)) from None
    return queries.artwork(artwork_id, viewer())


@blueprint.post("/<int:artwork_id>/withdraw")
@access(Who.SELLER)
@blueprint.response(200, ArtworkOut)
@refuses(service.StateForbids)
def withdraw_artwork(artwork_id: int) -> ArtworkView:
    """Take an own artwork off the market; 409 if its state forbids it."""
    service.withdraw_artwork(viewer(), artwork_id)
    return queries.artwork(artwork_id, viewer())


@blueprint.post("/<int:artwork_id>/relist")
@access(Who.SELLER)
@blueprint.arguments(RelistIn, required=False)
@blueprint.response(200, ArtworkOut)
@refuses(service.StateForbids)
def relist_artwork(body: dict[str, Any], artwork_id: int) -> ArtworkView:
    """Open an own artwork again; without `end_date`, one that is still to come stays."""
    service.relist_artwork(viewer(), artwork_id, body)
    return queries.artwork(artwork_id, viewer())
