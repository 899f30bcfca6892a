"""Pages of artworks: browsing, and a seller's forms."""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from flask import (
    Blueprint,
    current_app,
    flash,
    redirect,
    render_template,
    request,
    send_file,
    url_for,
)
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from werkzeug.datastructures import MultiDict

from app.artworks import queries, service
from app.artworks.forms import (
    ArtworkForm,
    BrowseForm,
    RelistForm,
    WithdrawForm,
    read_draft,
    sign_draft,
)
from app.artworks.pictures import BYTES_LIMIT, PicturesBusy, find_picture, picture_view
from app.artworks.queries import ArtworkFilters, ArtworkSort, ArtworkView
from app.artworks.service import (
    EDITABLE,
    ArtworkChanges,
    NewArtwork,
    StoredPicture,
    ThresholdTooLow,
)
from app.artworks.states import ArtworkStatus
from app.core.access import Viewer, Who, access, viewer, viewer_or_none
from app.core.errors import Conflict, NotFound
from app.core.uploads import close_files

blueprint = Blueprint("artworks", __name__)
blueprint.teardown_request(close_files)

PER_PAGE = 12
_YEAR = 365 * 24 * 3600
# Longer addresses, in bytes, are read anew each time.
_ADDRESS_KEPT = 400


@dataclass(frozen=True)
class Asked:
    """What the address of the browse page asks for, and the filters as the page shows them.

    It follows from the address alone, so it is the same for everybody.
    """

    filters: ArtworkFilters
    page: int
    right: bool
    filtered: bool
    title_html: Markup
    summary_html: Markup
    filters_html: Markup


@blueprint.get("/")
@access(Who.ANYONE)
def browse() -> ResponseReturnValue:
    """All artworks, filtered and sorted as the address says."""
    read = _asked if len(request.query_string) <= _ADDRESS_KEPT else _asked.__wrapped__
    # The form's own address begins with what the server put before it.
    root = request.environ.get("SCRIPT_NAME", "")
    asked = read(_macros(), root, tuple(request.args.items(multi=True)))
    filters = replace(asked.filters, viewer=viewer_or_none())
    page = queries.cards(filters, asked.page, PER_PAGE)
    html = render_template("artworks/browse.html", asked=asked, page=page)
    return html, 200 if asked.right else 422


def _macros() -> Any:
    # Of this application, as another one in the same process has addresses of its own.
    return current_app.jinja_env.get_template("artworks/_filters.html").module


@lru_cache(256)
def _asked(macros: Any, _root: str, values: tuple[tuple[str, str], ...]) -> Asked:
    form = BrowseForm(MultiDict(values))
    right = form.validate()
    return Asked(
        filters=_filters(form) if right else ArtworkFilters(),
        page=int(form.page.data) if right else 1,
        right=right,
        filtered=any(form[name].data for name in ("q", "category", "status", "seller_id")),
        title_html=macros.title(form),
        summary_html=macros.summary(form),
        filters_html=macros.filters(form),
    )


def _filters(form: BrowseForm) -> ArtworkFilters:
    return ArtworkFilters(
        status=ArtworkStatus(form.status.data) if form.status.data else None,
        category=form.category.data or None,
        q=form.q.data,
        seller_id=int(form.seller_id.data) if form.seller_id.data else None,
        sort=ArtworkSort(form.sort.data) if form.sort.data else ArtworkSort.NEWEST,
    )


@blueprint.get("/pictures/<key>/<name>")
@access(Who.ANYONE)
def picture(key: str, name: str) -> ResponseReturnValue:
    """One size of a picture. A key names one content for good, so every cache may keep it."""
    file = find_picture(service.picture_folder(), key, name)
    if file is None:
        raise NotFound
    answer = send_file(file.path, mimetype=file.media_type, conditional=True, max_age=_YEAR)
    answer.cache_control.public = True
    answer.cache_control.immutable = True
    answer.headers["X-Content-Type-Options"] = "nosniff"
    # Mails show it too, and some are read on a page of somebody else's.
    answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return answer


@blueprint.get("/seller/artworks/new")
@access(Who.SELLER)
def new() -> ResponseReturnValue:
    """An empty listing."""
    return _form_page(ArtworkForm(), None)


@blueprint.post("/seller/artworks/new")
@access(Who.SELLER)
def create() -> ResponseReturnValue:
    """List an artwork, or show the form again with everything in it, the picture too."""
    form = ArtworkForm()
    right = form.validate()
    stored = _picture_of(form, viewer())
    if not right or form.errors:
        return _form_page(form, None, stored, 422)
    artwork_id = service.create_artwork(
        viewer(),
        NewArtwork(
            title=form.title.data,
            threshold_cents=form.secret_threshold.cents,
            artist_name=form.artist_name.data,
            description=form.description.data,
            category=form.category.data,
            end_at=form.end_date.moment,
            picture=stored,
            image_alt=form.alt.data,
        ),
    )
    flash(f"“{form.title.data}” is listed and open for bids.", "success")
    return _to_listing(artwork_id)


@blueprint.get("/seller/artworks/<int:artwork_id>/edit")
@access(Who.SELLER)
def edit(artwork_id: int) -> ResponseReturnValue:
    """An own listing, to be changed; without a form while nothing about it can change."""
    art = queries.own_artwork(artwork_id, viewer())
    form = ArtworkForm()
    form.fill(art)
    return _form_page(form, art)


@blueprint.post("/seller/artworks/<int:artwork_id>/edit")
@access(Who.SELLER)
def save(artwork_id: int) -> ResponseReturnValue:
    """Change an own listing, or show the form again with everything in it."""
    art = queries.own_artwork(artwork_id, viewer())
    form = ArtworkForm()
    form.end_date.stored = art.end_date
    right = form.validate()
    stored = _picture_of(form, viewer()) if art.status in EDITABLE else None
    if not right or form.errors:
        return _form_page(form, art, stored, 422)
    try:
        service.edit_artwork(viewer(), artwork_id, _changes(form, art, stored))
    except ThresholdTooLow as refused:
        form.add_error("secret_threshold", refused.detail)
        return _form_page(form, queries.own_artwork(artwork_id, viewer()), stored, 409)
    except Conflict as refused:
        return _form_page(form, art, stored, 409, refused.detail)
    flash(f"“{form.title.data}” is saved.", "success")
    return _to_listing(artwork_id)


def _changes(form: ArtworkForm, art: ArtworkView, stored: StoredPicture | None) -> ArtworkChanges:
    typed: ArtworkChanges = {
        "title": form.title.data,
        "artist_name": form.artist_name.data,
        "description": form.description.data,
        "category": form.category.data,
        "threshold_cents": form.secret_threshold.cents,
        "end_at": form.end_date.moment,
        "image_alt": form.alt.data,
    }
    before = {
        "title": art.title,
        "artist_name": art.artist_name,
        "description": art.description,
        "category": art.category,
        "threshold_cents": art.secret_threshold_cents,
        "end_at": art.end_date,
        "image_alt": art.image_alt,
    }
    # Only what differs: two open windows must not undo each other's changes.
    changes: Any = {name: value for name, value in typed.items() if value != before[name]}
    if stored is not None:
        changes["picture"] = stored
    result: ArtworkChanges = changes
    return result


def _picture_of(form: ArtworkForm, seller: Viewer) -> StoredPicture | None:
    """The picture just sent, else the one that the form carried; refusals become field errors."""
    sent = form.image.data
    try:
        if sent:
            picture = service.keep_picture(sent.stream.read(BYTES_LIMIT + 1))
            form.picture_draft.data = sign_draft(picture, seller.id)
            return picture
        return read_draft(form.picture_draft.data or "", seller.id)
    except (ValueError, PicturesBusy) as refused:
        form.add_error("image", str(refused))
    if not sent:
        form.picture_draft.data = ""
        return None
    try:
        return read_draft(form.picture_draft.data or "", seller.id)
    except ValueError:
        form.picture_draft.data = ""
        return None


def _form_page(
    form: ArtworkForm,
    art: ArtworkView | None,
    stored: StoredPicture | None = None,
    status: int = 200,
    refusal: str | None = None,
) -> ResponseReturnValue:
    shown = picture_view(stored.key, stored.width, stored.height) if stored else None
    html = render_template(
        "artworks/form.html",
        form=form,
        art=art,
        draft=shown,
        editable=art is None or art.status in EDITABLE,
        refusal=refusal,
    )
    return html, status


def _to_listing(artwork_id: int) -> ResponseReturnValue:
    return redirect(url_for("dashboards.seller_artwork", artwork_id=artwork_id), 303)


@blueprint.get("/seller/artworks/<int:artwork_id>/withdraw")
@access(Who.SELLER)
def ask_withdraw(artwork_id: int) -> ResponseReturnValue:
    """Ask before an own listing is taken off the market."""
    art = queries.own_artwork(artwork_id, viewer())
    return render_template("artworks/withdraw.html", form=WithdrawForm(), art=art, refusal=None)


@blueprint.post("/seller/artworks/<int:artwork_id>/withdraw")
@access(Who.SELLER)
def withdraw(artwork_id: int) -> ResponseReturnValue:
    """Take an own listing off the market."""
    art = queries.own_artwork(artwork_id, viewer())
    try:
        service.withdraw_artwork(viewer(), artwork_id)
    except Conflict as refused:
        form = WithdrawForm()
        html = render_template("artworks/withdraw.html", form=form, art=art, refusal=refused.detail)
        return html, 409
    flash(f"“{art.title}” is withdrawn.", "success")
    return _to_listing(artwork_id)


@blueprint.get("/seller/artworks/<int:artwork_id>/relist")
@access(Who.SELLER)
def ask_relist(artwork_id: int) -> ResponseReturnValue:
    """Ask until when an own listing is to be open again."""
    art = queries.own_artwork(artwork_id, viewer())
    form = RelistForm()
    return render_template("artworks/relist.html", form=form, art=art, refusal=None)


@blueprint.post("/seller/artworks/<int:artwork_id>/relist")
@access(Who.SELLER)
def relist(artwork_id: int) -> ResponseReturnValue:
    """Open an own listing again."""
    art = queries.own_artwork(artwork_id, viewer())
    form = RelistForm()
    if not form.validate():
        return render_template("artworks/relist.html", form=form, art=art, refusal=None), 422
    # A bare button elsewhere sends no such field: then the end date is not this person's choice.
    chosen = {"end_at": form.end_date.moment} if "end_date" in request.form else {}
    try:
        service.relist_artwork(viewer(), artwork_id, chosen)
    except Conflict as refused:
        html = render_template("artworks/relist.html", form=form, art=art, refusal=refused.detail)
        return html, 409
    flash(f"“{art.title}” is open for bids again.", "success")
    return _to_listing(artwork_id)
