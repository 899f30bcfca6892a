"""The heart on cards and artworks: a form that also works without JavaScript."""

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from app.artworks import favourites
from app.core.access import Who, access, viewer
from app.core.addresses import safe_next

blueprint = Blueprint("favourites", __name__)


@blueprint.post("/artworks/<int:artwork_id>/favourite")
@access(Who.USER)
def keep(artwork_id: int) -> ResponseReturnValue:
    """Remember the artwork, or forget it when `keep` is `0`; back to where the heart was.

    With `quiet` the answer is 204: the page has shown the change already.
    """
    keeps = request.form.get("keep") != "0"
    change = favourites.add_favourite if keeps else favourites.remove_favourite
    change(viewer(), artwork_id)
    if request.form.get("quiet"):
        return "", 204
    flash("Kept in your favourites." if keeps else "Removed from your favourites.", "success")
    onward = safe_next(request.form.get("next"))
    return redirect(onward or url_for("bidding.artwork", artwork_id=artwork_id), 303)
