"""Every page in every state that it has: the list that tests/journeys/test_every_page.py visits.

A row says: what it is called; its address, where {open} stands for the number of that thing in
tests/journeys/scene.py; who looks; words that are only there in that state. `do` brings the state
about on the page itself, `status` is what the page then answers. A route that answers with a page
and stands in no row fails the test.
"""

# ruff: noqa: E501 (a table: a row is a line)

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page

Do = Callable[[Page], None]


@dataclass(frozen=True)
class State:
    """A page as somebody finds it."""

    name: str
    path: str
    who: str
    tells: str
    do: Do | None = None
    status: int = 200
    scene: str = "full"
    stripe_is_away: bool = False


def send(button: str, **fields: str) -> Do:
    """Fill a form in and send it; `status` is then the answer's."""

    def do(page: Page) -> None:
        for name, value in fields.items():
            page.locator(f"main [name={name}]").first.fill(value)
        page.locator("main").get_by_role("button", name=button).first.click()

    return do


def bid(amount: str, *, confirmed: bool = True) -> Do:
    """Bid on the page of an artwork."""

    def do(page: Page) -> None:
        send("Bid", amount=amount)(page)
        if confirmed:
            page.locator("h1", has_text="Confirm").wait_for()
            send("Place bid")(page)

    return do


def change(selector: str, value: str, button: str) -> Do:
    """Send a form whose hidden or chosen value somebody has changed by hand."""

    def do(page: Page) -> None:
        page.locator(selector).first.evaluate("(e, v) => (e.value = v)", value)
        page.locator("main").get_by_role("button", name=button).first.click()

    return do


def post(path: str) -> Do:
    """Send a form to an address that takes none, or not this one."""

    def do(page: Page) -> None:
        page.locator("form[method=post]").first.evaluate(
            "(form, path) => { form.action = path; form.submit(); }", path
        )

    return do


def press(button: str) -> Do:
    """Press a button that sends nothing but itself."""
    return lambda page: page.locator("main").get_by_role("button", name=button).first.click()


MUCH = "x" * 1_100_000

# fmt: off
STATES = (
    # Looking around
    State("browse", "/", "stranger", "Won, refused"),
    State("browse, second page", "/?page=2", "stranger", "Previous"),
    State("browse, past the end", "/?page=99", "stranger", "There is nothing on this page"),
    State("browse, filtered", "/?status=SOLD", "stranger", "Clear the filters"),
    State("browse, nothing found", "/?q=nothing-is-called-this", "stranger", "No artwork matches"),
    State("browse, filter that makes no sense", "/?status=GONE", "stranger", "There is a problem", status=422),
    State("browse, a buyer", "/", "buyer", "Favourite"),
    State("browse, a seller", "/", "seller", "List an artwork"),
    State("browse, nothing yet", "/", "stranger", "No artworks yet", scene="empty"),
    State("browse, nothing yet, a seller", "/", "seller", "Yours can be the first", scene="empty"),
    State("help", "/help", "stranger", "If a win is not paid"),
    State("help, a buyer", "/help", "buyer", "If a win is not paid"),
    State("API", "/api/docs", "stranger", "openapi.json"),
    State("components", "/components", "stranger", "Everything that the pages are made of"),

    # Accounts
    State("register", "/register", "stranger", "One account for bidding or selling"),
    State("register, empty", "/register", "stranger", "There is a problem", send("Create account"), 422),
    State("register, taken", "/register", "stranger", "There is a problem",
          send("Create account", email="buyer@pages.example", name="B", password="long words together"), 409),
    State("log in", "/login", "stranger", "Forgot your password?"),
    State("log in, empty", "/login", "stranger", "There is a problem", send("Log in"), 422),
    State("log in, wrong", "/login", "stranger", "There is a problem",
          send("Log in", email="buyer@pages.example", password="wrong words here"), 401),
    State("log in, sent there", "/me/bids", "stranger", "Forgot your password?"),
    State("forgotten password", "/password/forgot", "stranger", "It works once, for one hour"),
    State("forgotten password, empty", "/password/forgot", "stranger", "There is a problem", send("Send the link"), 422),
    State("forgotten password, sent", "/password/forgot", "stranger", "is on its way",
          send("Send the link", email="nobody@pages.example")),
    State("reset link", "/password/reset/{reset:open}", "stranger", "Choose a new password"),
    State("reset link, bad password", "/password/reset/{reset:open}", "stranger", "There is a problem",
          send("Change password", password="short"), 422),
    State("reset link, run out", "/password/reset/{reset:old}", "stranger", "no longer works", status=410),
    State("reset link, made up", "/password/reset/nonsense", "stranger", "no longer works", status=410),
    State("account", "/account", "buyer", "Firefox on Windows"),
    State("account, new", "/account", "new_buyer", "Signed-in browsers"),
    State("account, suspended", "/account", "suspended", "This account is suspended"),
    State("account, bad name", "/account", "buyer", "There is a problem", send("Save name", name=""), 422),
    State("account, bad password", "/account", "buyer", "There is a problem",
          send("Change password", current_password="wrong words here", password="short"), 422),
    State("account, bad token", "/account", "buyer", "There is a problem", send("Create token"), 422),
    State("account, new token", "/account", "buyer", "Your new API token", send("Create token", label="Stock list"), 201),

    # An artwork
    State("artwork", "/artworks/{open}", "stranger", "Log in to bid"),
    State("artwork, without a picture", "/artworks/{bare}", "stranger", "No picture yet"),
    State("artwork, no bids", "/artworks/{open}", "buyer", "From $0.50 to $999,999.99"),
    State("artwork, bids", "/artworks/{wanted}", "buyer", "Your latest bid"),
    State("artwork, earlier bids", "/artworks/{wanted}?page=2", "rival", "Previous"),
    State("artwork, own", "/artworks/{wanted}", "seller", "This is your own artwork"),
    State("artwork, an administrator", "/artworks/{wanted}", "admin", "Administrators do not bid"),
    State("artwork, bidder paused", "/artworks/{open}", "paused", "You may bid again from"),
    State("artwork, bidder suspended", "/artworks/{open}", "suspended", "Your account is suspended"),
    State("artwork, bidder defaulted", "/artworks/{given up}", "buyer", "You cannot bid on this again"),
    State("artwork, reserved", "/artworks/{reserved}", "stranger", "somebody is paying for it"),
    State("artwork, reserved, own", "/artworks/{reserved}", "seller", "somebody is paying for it"),
    State("artwork, won", "/artworks/{owed}", "buyer", "Go to your payment"),
    State("artwork, sold", "/artworks/{sold}", "stranger", "This artwork is sold"),
    State("artwork, sold, its buyer", "/artworks/{sold}", "buyer", "You bought this artwork"),
    State("artwork, ended", "/artworks/{ended}", "stranger", "Bidding has ended"),
    State("artwork, withdrawn, own", "/artworks/{withdrawn}", "seller", "This artwork was withdrawn"),
    State("bid, no amount", "/artworks/{open}", "buyer", "There is a problem", send("Bid", amount="a lot"), 422),
    State("bid, confirm", "/artworks/{open}", "buyer", "You are about to bid", bid("120", confirmed=False)),
    State("bid, not this time", "/artworks/{open}", "buyer", "Not this time", bid("120")),
    State("bid, too low", "/artworks/{wanted}", "rival", "There is a problem", send("Bid", amount="5"), 409),
    State("bid, Stripe away", "/artworks/{open}", "buyer", "You won", bid("950"), stripe_is_away=True),

    # A buyer's own pages
    State("my bids", "/me/bids", "buyer", "What each of your bids came to"),
    State("my bids, second page", "/me/bids?page=2", "buyer", "Previous"),
    State("my bids, none", "/me/bids", "new_buyer", "You have not bid yet"),
    State("my bids, past the end", "/me/bids?page=99", "buyer", "There is no such page"),
    State("my payments", "/me/payments", "buyer", "Receipt"),
    State("my payments, none", "/me/payments", "new_buyer", "No payments yet"),
    State("my payments, past the end", "/me/payments?page=99", "buyer", "There is no such page"),
    State("my favourites", "/me/favourites", "buyer", "keep an eye on"),
    State("my favourites, none", "/me/favourites", "new_buyer", "No favourites yet"),
    State("my favourites, past the end", "/me/favourites?page=99", "buyer", "There is no such page"),

    # A payment
    State("payment", "/payments/{pay:owed}", "buyer", "You won"),
    State("payment, its seller", "/payments/{pay:owed}", "seller", "Awaiting payment"),
    State("payment, an administrator", "/payments/{pay:owed}", "admin", "Awaiting payment"),
    State("payment, being prepared", "/payments/{pay:preparing}", "buyer", "is being prepared"),
    State("payment, still being prepared", "/payments/{pay:preparing}/pay", "buyer", "Not ready yet", stripe_is_away=True),
    State("payment, declined", "/payments/{pay:declined}", "buyer", "Your card was declined"),
    State("payment, given up", "/payments/{pay:unwanted}", "buyer", "You gave up this win", press("Give up this win")),
    State("payment, gave up", "/payments/{pay:given up}", "buyer", "You gave up this win"),
    State("payment, gave up, its seller", "/payments/{pay:given up}", "seller", "The buyer was not charged"),
    State("payment, out of time", "/payments/{pay:out of time}", "buyer", "not made in time"),
    State("payment, closing", "/payments/{pay:closing}", "buyer", "The time to pay is over"),
    State("payment, processing", "/payments/{pay:processing}", "buyer", "Your bank is confirming"),
    State("payment, paid", "/payments/{pay:sold}", "buyer", "The artwork is yours"),
    State("payment, paid, its seller", "/payments/{pay:sold}", "seller", "The artwork is sold"),
    State("payment, refunded", "/payments/{pay:refunded}", "buyer", "refunded in full"),
    State("payment, refused by Stripe", "/payments/{pay:refused}", "buyer", "could not be taken"),
    State("payment, needs a person", "/payments/{pay:flagged}", "buyer", "A person is looking"),
    State("return, not paid", "/payments/{pay:owed}/return", "buyer", "Not paid, time left"),
    State("return, Stripe away", "/payments/{pay:checking}/return", "buyer", "Checking your payment", stripe_is_away=True),
    State("return, paid", "/payments/{pay:sold}/return", "buyer", "The artwork is yours"),
    State("return, released", "/payments/{pay:out of time}/return", "buyer", "not made in time"),

    # A seller's pages
    State("selling", "/seller", "seller", "Your artworks"),
    State("selling, second page", "/seller?page=2", "seller", "Previous"),
    State("selling, one state", "/seller?status=SOLD", "seller", "Won, sold"),
    State("selling, nothing in a state", "/seller?status=SOLD", "new_seller", "None of your artworks is here"),
    State("selling, nothing yet", "/seller", "new_seller", "You have listed nothing yet"),
    State("listing", "/seller/artworks/new", "seller", "List an artwork"),
    State("listing, errors", "/seller/artworks/new", "seller", "There is a problem",
          send("List the artwork", secret_threshold="much", end_date="2020-01-01T00:00"), 422),
    State("listing, edit", "/seller/artworks/{open}/edit", "seller", "Edit your artwork"),
    State("listing, edit after bids", "/seller/artworks/{wanted}/edit", "seller", "Since the first bid"),
    State("listing, edit, minimum too low", "/seller/artworks/{wanted}/edit", "seller", "There is a problem",
          send("Save", secret_threshold="1"), 409),
    State("listing, edit, reserved", "/seller/artworks/{reserved}/edit", "seller", "Nothing can be changed now"),
    State("listing, edit, sold", "/seller/artworks/{sold}/edit", "seller", "This artwork is sold"),
    *(
        State(f"own artwork, {name}", f"/seller/artworks/{{{name}}}", "seller", tells)
        for name, tells in (
            ("open", "No bids yet"), ("bare", "No picture yet"), ("wanted", "Highest losing bid"),
            ("reserved", "its payment is awaited"), ("sold", "Sold for"), ("ended", "List again"),
            ("withdrawn", "Withdrawn"), ("given up", "Released"), ("flagged", "An administrator"),
            ("refunded", "Refunded"),
        )
    ),
    State("own artwork, what if", "/seller/artworks/{wanted}", "seller", "would have reached it",
          send("Ask", threshold="300")),
    State("own artwork, what if, too few bids", "/seller/artworks/{few}", "seller", "too few bids",
          send("Ask", threshold="20")),
    State("own artwork, what if, errors", "/seller/artworks/{wanted}", "seller", "There is a problem",
          send("Ask", threshold="half"), 422),
    State("withdraw", "/seller/artworks/{open}/withdraw", "seller", "Withdraw this artwork?"),
    State("withdraw, reserved", "/seller/artworks/{reserved}/withdraw", "seller", "There is a problem", press("Withdraw"), 409),
    State("relist", "/seller/artworks/{ended}/relist", "seller", "List this artwork again"),
    State("relist, errors", "/seller/artworks/{ended}/relist", "seller", "There is a problem",
          send("List it again", end_date="2020-01-01T00:00"), 422),
    State("relist, open already", "/seller/artworks/{open}/relist", "seller", "There is a problem", press("List it again"), 409),

    # Administrators' pages
    State("admin", "/admin", "admin", "Stripe tells of $12.00"),
    State("admin, nothing yet", "/admin", "admin", "Nothing waits for a person", scene="empty"),
    State("admin needs a person", "/admin/attention", "admin", "Dispute"),
    State("admin needs a person, nothing", "/admin/attention", "admin", "Nothing waits", scene="empty"),
    State("admin needs a person, note too long", "/admin/attention", "admin", "There is a problem",
          send("Acknowledge", note="x" * 1001), 422),
    State("admin acknowledged", "/admin/attention/acknowledged", "admin", "Asked Stripe"),
    State("admin acknowledged, nothing", "/admin/attention/acknowledged", "admin", "Nothing acknowledged yet", scene="empty"),
    State("admin payments", "/admin/payments", "admin", "Won, owed"),
    State("admin payments, nothing found", "/admin/payments?q=nobody-at-all", "admin", "No payment matches"),
    State("admin payments, errors", "/admin/payments?status=GONE", "admin", "There is a problem", status=422),
    State("admin payments, none", "/admin/payments", "admin", "No payments yet", scene="empty"),
    *(
        State(f"admin payment, {name}", f"/admin/payments/{{pay:{name}}}", "admin", tells)
        for name, tells in (
            ("owed", "Awaiting payment"), ("sold", "Paid"), ("refunded", "Refunded"), ("disputed", "Dispute"),
            ("given up", "The buyer gave up"), ("preparing", "none"), ("refused", "Stripe refused"),
            ("flagged", "Payment disagrees"), ("processing", "Processing"),
        )
    ),
    State("admin payment, asked", "/admin/payments/{pay:owed}", "admin", "Stripe agrees", press("Ask Stripe now")),
    State("admin payment, no answer", "/admin/payments/{pay:owed}", "admin", "no answer", press("Ask Stripe now"), stripe_is_away=True),
    State("admin webhooks", "/admin/webhook-events", "admin", "charge.refunded"),
    State("admin webhooks, nothing found", "/admin/webhook-events?outcome=RECEIVED", "admin", "No event matches"),
    State("admin webhooks, errors", "/admin/webhook-events?outcome=GONE", "admin", "There is a problem", status=422),
    State("admin webhooks, none", "/admin/webhook-events", "admin", "Stripe has sent nothing yet", scene="empty"),
    State("admin webhook", "/admin/webhook-events/{event}", "admin", "What Stripe sent"),
    State("admin webhook, failed", "/admin/webhook-events/{event:failed}", "admin", "database is locked"),
    State("admin e-mails", "/admin/emails", "admin", "no such mailbox"),
    State("admin e-mails, nothing found", "/admin/emails?q=nobody-at-all", "admin", "No email matches"),
    State("admin e-mails, errors", "/admin/emails?status=GONE", "admin", "There is a problem", status=422),
    State("admin e-mails, none", "/admin/emails", "admin", "No emails yet", scene="empty"),
    State("admin e-mail", "/admin/emails/{mail:dead}", "admin", "no such mailbox"),
    State("admin e-mail with a secret link", "/admin/emails/{mail:reset}", "admin", "It is left out here"),
    State("admin people", "/admin/users", "admin", "May not bid"),
    State("admin people, nobody found", "/admin/users?q=nobody-at-all", "admin", "Nobody matches"),
    State("admin people, errors", "/admin/users?role=QUEEN", "admin", "There is a problem", status=422),
    State("admin person", "/admin/users/{person:buyer}", "admin", "What they did last"),
    State("admin person, new", "/admin/users/{person:new_buyer}", "admin", "Nothing yet."),
    State("admin person, suspended", "/admin/users/{person:suspended}", "admin", "Let in again"),
    State("admin person, paused", "/admin/users/{person:paused}", "admin", "May bid again"),
    State("admin person, oneself", "/admin/users/{person:admin}", "admin", "This is you"),
    State("admin person, role that is none", "/admin/users/{person:buyer}", "admin", "There is a problem",
          change("main select option:checked", "QUEEN", "Change the role"), 422),
    State("admin suspend", "/admin/users/{person:buyer}/suspend", "admin", "They can no longer bid or sell"),
    State("admin suspend, errors", "/admin/users/{person:buyer}/suspend", "admin", "There is a problem", press("Suspend the account"), 422),
    State("admin suspend, oneself", "/admin/users/{person:admin}/suspend", "admin", "This is you"),
    State("admin audit log", "/admin/audit-logs", "admin", "payment.succeeded"),
    State("admin audit log, nothing found", "/admin/audit-logs?action=nothing.at.all", "admin", "Nothing matches"),
    State("admin audit log, errors", "/admin/audit-logs?since=2026-02-02&until=2026-02-01", "admin", "There is a problem", status=422),
    State("admin numbers", "/admin/numbers", "admin", "How bids become sales"),
    State("admin numbers, none", "/admin/numbers", "admin", "Nothing was sold in these days", scene="empty"),

    # What goes wrong
    State("error 400", "/login", "stranger", "Error 400",
          change("main [name=csrf_token]", "forged", "Log in"), 400),
    State("error 403", "/seller", "buyer", "Error 403", status=403),
    State("error 404", "/nowhere", "stranger", "Error 404", status=404),
    State("error 404, an artwork that is not", "/artworks/987654", "buyer", "Error 404", status=404),
    State("error 405", "/register", "stranger", "Error 405", post("/help"), 405),
    State("error 413", "/account", "buyer", "Error 413", change("main [name=name]", MUCH, "Save name"), 413),
    *(
        State(f"error {status}", f"/fail/{status}", "stranger", f"Error {status}", status=status)
        for status in (409, 429, 500, 503)
    ),
)
# fmt: on

# Pages that show what people have typed, where all of it is one long word.
STRAINED = tuple(
    State(f"strained {path}", path, who, tells, do, scene="strained")
    for path, who, tells, do in (
        ("/", "stranger", "Kellertreppen", None),
        ("/?seller_id={person:seller}", "stranger", "_by_marie_ann", None),
        ("/?q=Keller", "buyer", "Kellertreppen", None),
        ("/artworks/{open}", "stranger", "Kellertreppen", None),
        ("/artworks/{wanted}", "rival", "Kellertreppen", None),
        ("/artworks/{open}", "buyer", "You are about to bid", bid("120", confirmed=False)),
        ("/account", "buyer", "_by_marie_ann", None),
        ("/me/bids", "buyer", "Kellertreppen", None),
        ("/me/payments", "buyer", "Kellertreppen", None),
        ("/me/favourites", "buyer", "Kellertreppen", None),
        ("/payments/{pay:owed}", "buyer", "Kellertreppen", None),
        ("/payments/{pay:sold}", "seller", "Kellertreppen", None),
        ("/seller", "seller", "Kellertreppen", None),
        ("/seller/artworks/{sold}", "seller", "_by_marie_ann", None),
        ("/seller/artworks/{open}", "seller", "Kellertreppen", None),
        ("/seller/artworks/{open}/edit", "seller", "Kellertreppen", None),
        ("/seller/artworks/{open}/withdraw", "seller", "Kellertreppen", None),
        ("/seller/artworks/{ended}/relist", "seller", "Kellertreppen", None),
        ("/admin", "admin", "Needs a person", None),
        ("/admin/attention/acknowledged", "admin", "_by_marie_ann", None),
        ("/admin/payments", "admin", "Kellertreppen", None),
        ("/admin/payments/{pay:sold}", "admin", "_by_marie_ann", None),
        ("/admin/emails", "admin", "Kellertreppen", None),
        ("/admin/emails/{mail:dead}", "admin", "Kellertreppen", None),
        ("/admin/users", "admin", "_by_marie_ann", None),
        ("/admin/users/{person:buyer}", "admin", "_by_marie_ann", None),
        ("/admin/users/{person:buyer}/suspend", "admin", "_by_marie_ann", None),
        ("/admin/audit-logs", "admin", "_by_marie_ann", None),
        ("/admin/webhook-events", "admin", "charge.refunded", None),
    )
)

# Routes that answer a GET with something else than a page for people, or lead on to one.
NOT_PAGES = {
    "/account/name": "leads to the account",
    "/account/password": "leads to the account",
    "/account/tokens": "leads to the account",
    "/admin/emails/<int:email_id>/preview": "an e-mail, for the frame on its page",
    "/artworks/<int:artwork_id>/bids": "leads to the artwork",
    "/health": "for machines",
    "/health/ready": "for machines",
    "/metrics": "for machines",
    "/payments/<int:payment_id>/back": "leads to the payment",
    "/pictures/<key>/<name>": "a picture",
    "/seller/sales.csv": "a sheet",
    "/static/<path:filename>": "a file",
}
