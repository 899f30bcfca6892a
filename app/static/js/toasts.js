// What happened elsewhere, told in a corner of the page: one toast an artwork, which the next event
// replaces, and which goes once it is no longer true.

const AT_MOST = 3;
const TITLE_LENGTH = 60;
const ASK_MS = 2_000;
const dollars = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD" });
const payment = ({ payment_id: id }) => `/payments/${id}`;
const own = ({ artwork_id: id }) => `/seller/artworks/${id}`;

// said: with the artwork's title, and without it. only: true for as long as the artwork's state is
// this one; whoever pays hears of that only as everybody does, by the state.
const TOASTS = {
  payment_required: {
    said: ({ amount }) => [
      `You won {title}. Pay ${dollars.format(amount)} to make it yours.`,
      `You won. Pay ${dollars.format(amount)} to make it yours.`,
    ],
    href: ({ pay_url: url }) => url,
    link: "Pay now",
    kind: "success",
    only: "PENDING_PAYMENT",
    // Where the same stands already.
    also: ({ artwork_id: id }) => `/artworks/${id}`,
  },
  payment_failed: {
    said: () => [
      "Your card was declined for {title}. You can try again.",
      "Your card was declined. You can try again.",
    ],
    href: payment,
    link: "Go to the payment",
    kind: "danger",
    only: "PENDING_PAYMENT",
  },
  payment_released: {
    said: () => [
      "{title} was released. You have not been charged.",
      "The artwork was released. You have not been charged.",
    ],
    href: payment,
    link: "See the payment",
    kind: "warning",
  },
  sale_pending: {
    said: () => [
      "{title} was won and awaits payment.",
      "One of your artworks was won and awaits payment.",
    ],
    href: own,
    link: "See the artwork",
    kind: "info",
    only: "PENDING_PAYMENT",
  },
  sale_completed: {
    said: () => ["{title} is sold and paid.", "One of your artworks is sold and paid."],
    href: own,
    link: "See the artwork",
    kind: "success",
  },
  sale_released: {
    said: () => [
      "The winner did not pay: {title} was released.",
      "The winner did not pay: artwork released.",
    ],
    href: own,
    link: "See the artwork",
    kind: "warning",
  },
};

// By the artwork, the oldest first; and what is to be shown once the title is here.
const shown = new Map();
const coming = new Map();

async function happened({ detail: { name, payload } }) {
  const id = payload.artwork_id;
  if (name === "artwork_status" || name === "payment_completed") doubt(id, payload.status);
  const kind = TOASTS[name];
  if (!kind) return;
  const next = { only: kind.only };
  coming.set(id, next);
  if (isHere(kind.href(payload)) || isHere(kind.also?.(payload))) {
    withdraw(id);
    return;
  }
  const artwork = await ask(id);
  // More may have happened meanwhile.
  if (artwork && coming.get(id) === next) doubt(id, artwork.status);
  if (coming.get(id) === next) show(id, kind, payload, artwork?.title);
}

// The page that a toast would send to says the same by itself, as do the payment's other pages.
function isHere(href) {
  if (!href) return false;
  const thing = (path) => path.replace(/(\/payments\/\d+)\/.*/, "$1");
  return thing(new URL(href, location.href).pathname) === thing(location.pathname);
}

async function ask(id) {
  try {
    const answer = await fetch(`/api/artworks/${Number(id)}`, { signal: AbortSignal.timeout?.(ASK_MS) });
    return answer.ok ? await answer.json() : null;
  } catch {
    return null;
  }
}

function doubt(id, status) {
  const { only } = coming.get(id) ?? {};
  if (only && status !== only) withdraw(id);
}

// What happened while the line was cut was told to nobody.
function lookAgain() {
  for (const id of shown.keys()) ask(id).then((artwork) => artwork && doubt(id, artwork.status));
}

function show(id, { said, href, link, kind }, payload, title) {
  const region = document.querySelector("[data-toasts]");
  if (!region) return;
  const toast = document.createElement("div");
  toast.className = `toast toast--${kind}`;
  const body = document.createElement("div");
  body.className = "toast__body";
  const target = new URL(href(payload), location.href);
  body.append(sentence(...said(payload), title));
  if (["http:", "https:"].includes(target.protocol)) {
    const anchor = document.createElement("a");
    anchor.href = target.href;
    anchor.textContent = link;
    body.append(anchor);
  }
  const close = document.createElement("button");
  close.type = "button";
  close.className = "toast__close";
  close.setAttribute("aria-label", "Dismiss");
  close.textContent = "×";
  close.addEventListener("click", () => withdraw(id));
  toast.append(body, close);
  const focused = shown.get(id)?.contains(document.activeElement);
  remove(id);
  shown.set(id, toast);
  region.append(toast);
  if (focused) close.focus({ preventScroll: true });
  const [oldest] = shown.keys();
  if (shown.size > AT_MOST) withdraw(oldest);
  // In a low window there may be no room for all of them.
  region.scrollTop = region.scrollHeight;
}

function sentence(named, unnamed, title) {
  const words = document.createElement("p");
  if (!title) {
    words.textContent = unnamed;
    return words;
  }
  const letters = [...title];
  // A title may be written in the other direction.
  const name = document.createElement("bdi");
  name.textContent =
    letters.length > TITLE_LENGTH ? `${letters.slice(0, TITLE_LENGTH - 1).join("").trim()}…` : title;
  const [before, after] = named.split("{title}");
  words.append(`${before}“`, name, `”${after}`);
  return words;
}

function withdraw(id) {
  coming.delete(id);
  remove(id);
}

function remove(id) {
  const toast = shown.get(id);
  shown.delete(id);
  if (!toast) return;
  const focused = toast.contains(document.activeElement);
  toast.remove();
  if (focused) document.querySelector("main").focus({ preventScroll: true });
}

document.addEventListener("live:event", happened);
document.addEventListener("live:again", lookAgain);
