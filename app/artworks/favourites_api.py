"""Favourites in JSON."""

from app.artworks import favourites, queries
from app.artworks.queries import ArtworkView
from app.artworks.schemas import ArtworkOut
from app.core.access import Who, access, viewer
from app.core.api import ApiBlueprint, PagingIn, page_of
from app.core.paging import Page

blueprint = ApiBlueprint(
    "favourites_api", __name__, url_prefix="/api/favourites", description="Artworks to watch"
)


@blueprint.get("")
@access(Who.USER)
@blueprint.arguments(PagingIn, location="query")
@blueprint.response(200, page_of(ArtworkOut))
def list_favourites(paging: dict[str, int]) -> Page[ArtworkView]:
    """The caller's favourites, the one added last first."""
    return queries.favourites(viewer(), paging["page"], paging["per_page"])


@blueprint.put("/<int:artwork_id>")
@access(Who.USER)
@blueprint.response(200, ArtworkOut)
def add_favourite(artwork_id: int) -> ArtworkView:
    """Remember an artwork; again is the same."""
    favourites.add_favourite(viewer(), artwork_id)
    return queries.artwork(artwork_id, viewer())


@blueprint.delete("/<int:artwork_id>")
@access(Who.USER)
@blueprint.response(204)
def remove_favourite(artwork_id: int) -> None:
    """Forget an artwork."""
    favourites.remove_favourite(viewer(), artwork_id)
