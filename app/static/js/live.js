// Keeps the page current: a Socket.IO client (Engine.IO 4, websocket only), the elements and
// regions that its events change, and polling while there is no socket.
// The wire: https://socket.io/docs/v4/engine-io-protocol/ and …/socket-io-protocol/

const POLL_MS = 5_000;
const HIDDEN_MS = 120_000;
const MAX_WAIT_MS = 10_000;
const STATUS = {
  ACTIVE: ["Open", "open"],
  PENDING_PAYMENT: ["Reserved", "hold"],
  SOLD: ["Sold", "sold"],
  EXPIRED: ["Ended", "quiet"],
  ARCHIVED: ["Withdrawn", "quiet"],
};
const NO_BIDS = { ACTIVE: "No bids yet", PENDING_PAYMENT: "No earlier bids" };
const dollars = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD" });
const usd = (amount) => dollars.format(amount);

// ---- the socket

class Socket {
  constructor({ opened, closed, event }) {
    Object.assign(this, { opened, closed, event, attempts: 0, acks: new Map(), nextAck: 0 });
  }

  connect() {
    clearTimeout(this.retry);
    if (this.ws) return;
    this.stopped = false;
    const address = new URL("/socket.io/?EIO=4&transport=websocket", location.href);
    address.protocol = address.protocol.replace("http", "ws");
    try {
      this.ws = new WebSocket(address);
    } catch {
      this.lost();
      return;
    }
    this.ws.onmessage = ({ data }) => this.receive(data);
    this.ws.onclose = () => this.lost();
    this.expectWithin(POLL_MS);
  }

  disconnect() {
    this.stopped = true;
    this.lost();
  }

  lost() {
    clearTimeout(this.watchdog);
    clearTimeout(this.retry);
    if (this.ws) {
      this.ws.onmessage = this.ws.onclose = null;
      this.ws.close();
    }
    this.ws = null;
    this.ready = false;
    this.acks.clear();
    this.closed();
    if (this.stopped) return;
    const wait = Math.min(MAX_WAIT_MS, 500 * 2 ** this.attempts++);
    this.retry = setTimeout(() => this.connect(), wait * (0.5 + Math.random() / 2));
  }

  // A dead connection may never close by itself: the server pings, and silence means it is gone.
  expectWithin(ms) {
    clearTimeout(this.watchdog);
    this.watchdog = setTimeout(() => this.lost(), ms);
  }

  receive(packet) {
    if (typeof packet !== "string") return;
    if (this.patience) this.expectWithin(this.patience);
    const body = packet.slice(1);
    if (packet[0] === "0") {
      const { pingInterval, pingTimeout } = JSON.parse(body);
      this.patience = pingInterval + pingTimeout;
      this.expectWithin(this.patience);
      this.ws.send("40");
    } else if (packet[0] === "1") this.lost();
    else if (packet[0] === "2") this.ws.send("3");
    else if (packet[0] === "4") this.message(body);
  }

  message(body) {
    const [, type, digits, json] = /^(\d)(?:\/[^,]*,)?(\d*)(.*)$/s.exec(body) ?? [];
    if (type === "0") {
      this.ready = true;
      this.attempts = 0;
      this.opened();
    } else if (type === "1" || type === "4") this.lost();
    else if (type === "2") {
      const [name, payload] = JSON.parse(json);
      this.event(name, payload ?? {});
    } else if (type === "3") {
      this.acks.get(Number(digits))?.();
      this.acks.delete(Number(digits));
    }
  }

  emit(name, payload) {
    return new Promise((resolve) => {
      if (!this.ready) return;
      this.acks.set(this.nextAck, resolve);
      this.ws.send(`42${this.nextAck++}${JSON.stringify([name, payload])}`);
    });
  }
}

// ---- regions: server-made HTML, fetched again when something happened

const regions = () => document.querySelectorAll("[data-live-region][data-live-src]");
const pending = new WeakMap();
const askedAt = new WeakMap();

function topics(region) {
  if (region.dataset.liveOn) return region.dataset.liveOn.split(/\s+/);
  const id = region.closest("[data-artwork-id]")?.dataset.artworkId;
  return id ? [`artwork:${id}`] : [];
}

function concerns(region, name, payload) {
  const aboutPayment = /^(payment|sale)_/.test(name);
  return topics(region).some((topic) => {
    const [kind, id] = topic.split(":");
    if (kind === "artwork") return id === String(payload.artwork_id);
    if (kind === "sales") return name.startsWith("sale_");
    if (kind === "payments") return aboutPayment;
    if (kind === "payment") return aboutPayment && [id, "undefined"].includes(String(payload.payment_id));
    return false;
  });
}

// One fetch at a time a region, a little apart, so that a burst of bids is not a burst of requests
// and a thousand watchers do not ask in the same instant.
function refresh(region, delay = 50 + Math.random() * 200) {
  const state = pending.get(region) ?? {};
  pending.set(region, state);
  if (state.timer) return;
  if (state.fetching) {
    state.again = true;
    return;
  }
  state.timer = setTimeout(() => fetchTogether(region), delay);
}

// Regions that wait for the same address are served by one answer.
async function fetchTogether(region) {
  const due = [...regions()].filter(
    (one) => one.dataset.liveSrc === region.dataset.liveSrc && pending.get(one)?.timer,
  );
  pending.get(region).timer = null;
  for (const one of due) {
    clearTimeout(pending.get(one).timer);
    Object.assign(pending.get(one), { timer: null, fetching: true });
    askedAt.set(one, Date.now());
  }
  if (due.length) await load(due);
  for (const one of due) {
    const state = pending.get(one);
    const { again } = state;
    Object.assign(state, { fetching: false, again: false });
    if (again) refresh(one);
  }
}

async function load(due) {
  const abort = AbortSignal.timeout?.(10_000);
  try {
    const source = new URL(due[0].dataset.liveSrc, location.href);
    if (source.origin !== location.origin) return;
    const answer = await fetch(source, {
      headers: { Accept: "text/html", "X-Requested-With": "fetch" },
      credentials: "same-origin",
      cache: "no-store",
      // Whoever is signed out meanwhile would be led to a page that shows, and so uses up, what
      // the next page has to say.
      redirect: "manual",
      signal: abort,
    });
    if (!answer.ok) return;
    const html = await answer.text();
    for (const region of due) replace(region, html);
  } catch {
    // Away for the moment: the next event, poll or reconnect asks again.
  }
}

// What may change without an event, such as by Stripe's answer, asks for itself.
function askAgain() {
  for (const region of document.hidden ? [] : regions()) {
    const every = region.dataset.liveEvery ?? region.querySelector("[data-live-every]")?.dataset.liveEvery;
    const seconds = Number(every);
    if (!askedAt.has(region)) askedAt.set(region, Date.now());
    if (seconds && Date.now() - askedAt.get(region) >= seconds * 1000) refresh(region);
  }
}

function replace(region, html) {
  const page = new DOMParser().parseFromString(html, "text/html");
  const name = CSS.escape(region.dataset.liveRegion);
  const fresh = page.querySelector(`[data-live-region="${name}"]`) ?? page.body;
  const markup = essence(fresh);
  if (shown.get(region) === markup || !region.isConnected) return;
  const kept = typedIn(region);
  if ("liveKeep" in region.dataset && kept.fields.some((field) => !sameField(fresh, field))) return;
  shown.set(region, markup);
  const spoken = region.querySelector("[data-live-announce]")?.textContent.trim();
  region.replaceChildren(...document.importNode(fresh, true).childNodes);
  putBack(region, kept);
  region.dispatchEvent(new CustomEvent("live:replaced", { bubbles: true }));
  const said = region.querySelector("[data-live-announce]")?.textContent.trim();
  if (said && said !== spoken) say(said);
  watchAll();
}

const shown = new WeakMap();

// The markup without what differs in every answer though nothing has changed.
function essence(region) {
  return region.innerHTML
    .replace(/ data-now="[^"]*"/g, "")
    .replace(/ name="csrf_token"[^>]*/g, "")
    .trim();
}

function touched(field) {
  if (["hidden", "password", "file"].includes(field.type)) return false;
  if (returned(field)) return true;
  if (field.options) return [...field.options].some((one) => one.selected !== one.defaultSelected);
  return field.value !== field.defaultValue || field.checked !== field.defaultChecked;
}

// What the server put back after an error was typed by somebody, too.
function returned(field) {
  return document.querySelector("[data-error-summary]") !== null && field.defaultValue !== "";
}

// What somebody has typed, and where the cursor is, outlives the replacement.
function typedIn(region) {
  const active = region.contains(document.activeElement) ? document.activeElement : null;
  const fields = [...region.querySelectorAll("input, textarea, select")]
    .filter((field) => field.name && touched(field))
    .map(({ id, name, type, value, checked }) => ({ id, name, type, value, checked }));
  return {
    fields,
    opened: [...region.querySelectorAll("details")].map((one) => one.open),
    active: active && {
      id: active.id,
      name: active.name,
      type: active.type,
      href: active.getAttribute("href"),
      tag: active.localName,
      cursor: Number.isInteger(active.selectionStart)
        ? [active.selectionStart, active.selectionEnd]
        : null,
    },
  };
}

const isChoice = ({ type }) => type === "checkbox" || type === "radio";

function sameField(root, typed) {
  return [...root.querySelectorAll("input, textarea, select")].find(
    (one) =>
      ["id", "name", "type"].every((key) => one[key] === typed[key]) &&
      (!isChoice(one) || one.value === typed.value),
  );
}

function putBack(region, { fields, opened: wasOpen, active }) {
  const details = [...region.querySelectorAll("details")];
  if (details.length === wasOpen.length) details.forEach((one, i) => (one.open = wasOpen[i]));
  for (const typed of fields) {
    const field = sameField(region, typed);
    if (!field) continue;
    if (isChoice(field)) field.checked = typed.checked;
    else field.value = typed.value;
  }
  if (!active) return;
  const again =
    (active.id && region.querySelector(`#${CSS.escape(active.id)}`)) ||
    [...region.querySelectorAll(active.tag)].find(
      (one) =>
        (one.name ?? "") === (active.name ?? "") &&
        one.type === active.type &&
        one.getAttribute("href") === active.href,
    );
  if (again) {
    again.focus({ preventScroll: true });
    if (active.cursor && again.setSelectionRange) again.setSelectionRange(...active.cursor);
  } else {
    region.tabIndex = -1;
    region.focus({ preventScroll: true });
  }
}

// ---- elements that events change directly

function say(text) {
  const announcer = document.querySelector("[data-announcer]");
  if (announcer) announcer.textContent = text;
}

function parts(artworkId, part) {
  const id = CSS.escape(String(artworkId));
  return [...document.querySelectorAll(`[data-artwork-id="${id}"] [data-live="${part}"]`)].filter(
    (element) => element.closest("[data-artwork-id]").dataset.artworkId === String(artworkId),
  );
}

function write(artworkId, part, text) {
  for (const element of parts(artworkId, part)) {
    if (element.textContent.trim() === text) continue;
    element.textContent = text;
    element.classList.remove("is-fresh");
    requestAnimationFrame(() => element.classList.add("is-fresh"));
  }
}

function shownBids(artworkId) {
  const counts = parts(artworkId, "bid-count").map((one) => Number.parseInt(one.textContent, 10));
  return Math.max(0, ...counts.filter(Number.isInteger));
}

function showBid({ artwork_id: id, current_highest_bid: highest, bid_count: count }) {
  // Processes speak independently of one another: older figures may come after newer ones.
  if (count < shownBids(id)) return;
  const amount = highest === null || highest === undefined ? null : usd(highest);
  write(id, "highest", amount ?? "No bids yet");
  write(id, "price-label", amount ? "Highest bid" : "No bids yet");
  write(id, "price", amount ?? "");
  write(id, "bid-count", count ? `${count} ${count === 1 ? "bid" : "bids"}` : "");
}

function showStatus({ artwork_id: id, status, sold_price: price }) {
  const [text, tone] = STATUS[status] ?? [];
  if (!text) return;
  for (const holder of document.querySelectorAll(`[data-artwork-id="${CSS.escape(String(id))}"]`)) {
    if (holder.dataset.status) holder.dataset.status = status;
  }
  for (const chip of parts(id, "status")) chip.className = `chip chip--${tone}`;
  write(id, "status", text);
  if (status === "SOLD" && price) {
    write(id, "price-label", "Sold for");
    write(id, "price", usd(price));
  } else if (parts(id, "price").every((one) => !one.textContent.trim())) {
    write(id, "price-label", NO_BIDS[status] ?? "No bids");
  }
}

function happened(name, payload) {
  // What other processes of the server have to say does not arrive for now: the socket alone
  // would show a page that only looks live.
  if (name === "live_paused" && !pollTimer) startPolling();
  if (name === "live_resumed" && pollTimer) {
    pollTimer = clearInterval(pollTimer);
    badge("live");
    refreshAll();
  }
  if (name === "new_bid") showBid(payload);
  if (name === "artwork_status" || name === "payment_completed") showStatus(payload);
  if (payload.payment_id) {
    told.add(String(payload.artwork_id));
    watchAll();
  }
  document.dispatchEvent(new CustomEvent("live:event", { detail: { name, payload } }));
  for (const region of regions()) if (concerns(region, name, payload)) refresh(region);
}

// ---- the page's life

const BADGE = {
  live: "Live",
  reconnecting: "Reconnecting…",
  polling: "Not live: refreshing every few seconds",
};
let watched = new Set();
// What somebody was told of alone goes on as everybody hears it: who has paid is told no other way.
const told = new Set();
let everOpened = false;
let awayTimer;
let pollTimer;
let hiddenTimer;

function badge(state) {
  const element = document.querySelector("[data-live-badge]");
  if (!element || element.dataset.state === state) return;
  const first = element.dataset.state === "idle";
  element.dataset.state = state;
  element.querySelector("[data-live-badge-text]").textContent = BADGE[state];
  if (!first) say(BADGE[state]);
}

function watchAll() {
  if (!socket.ready) return [];
  const shownHere = [...document.querySelectorAll("[data-artwork-id]")].map((one) => one.dataset.artworkId);
  const followed = [...regions()].flatMap(topics).map((topic) => topic.split(":"));
  const ids = followed.filter(([kind]) => kind === "artwork").map(([, id]) => id);
  const unwatched = [...new Set([...shownHere, ...ids, ...told])].filter((id) => !watched.has(id));
  return unwatched.map((id) => {
    watched.add(id);
    return socket.emit("watch", { artwork_id: Number(id) });
  });
}

function refreshAll() {
  for (const region of regions()) refresh(region);
  document.dispatchEvent(new CustomEvent("live:again"));
}

async function opened() {
  clearTimeout(awayTimer);
  awayTimer = null;
  pollTimer = clearInterval(pollTimer);
  badge("live");
  // From here on a line that is cut is told of, even before the rooms are joined.
  const again = everOpened;
  everOpened = true;
  watched = new Set();
  // Asked only once the server has us in the rooms: nothing can fall between answer and event.
  const joined = Promise.all(watchAll());
  await Promise.race([joined, new Promise((resolve) => setTimeout(resolve, 2_000))]);
  if (again) document.dispatchEvent(new CustomEvent("live:again"));
  for (const region of regions()) {
    // The first answer would be the page that was just served, without the error it tells of.
    if (again || !document.querySelector("[data-error-summary]")) refresh(region);
  }
}

function away() {
  if (socket.stopped || socket.ready || awayTimer || pollTimer) return;
  if (everOpened) badge("reconnecting");
  awayTimer = setTimeout(startPolling, POLL_MS);
}

function arrive() {
  socket.connect();
  away();
}

function startPolling() {
  awayTimer = null;
  everOpened = true;
  badge("polling");
  refreshAll();
  pollTimer = setInterval(() => {
    if (!document.hidden) refreshAll();
  }, POLL_MS);
}

function rest() {
  socket.disconnect();
  clearTimeout(awayTimer);
  awayTimer = null;
  pollTimer = clearInterval(pollTimer);
}

const socket = new Socket({ opened, closed: away, event: happened });

if (document.querySelector("[data-artwork-id], [data-live-region]")) {
  for (const region of regions()) shown.set(region, essence(region));
  arrive();
  setInterval(askAgain, 1_000);
  addEventListener("online", arrive);
  addEventListener("pagehide", rest);
  addEventListener("pageshow", (event) => event.persisted && arrive());
  // A socket costs the server a thread: one that nobody looks at is given back.
  document.addEventListener("visibilitychange", () => {
    clearTimeout(hiddenTimer);
    if (document.hidden) hiddenTimer = setTimeout(rest, HIDDEN_MS);
    else if (pollTimer) refreshAll();
    else arrive();
    askAgain();
  });
  document.addEventListener("countdown:ended", (event) => {
    const region = event.target.closest("[data-live-region]");
    if (region) for (const wait of [500, 3_000, 10_000]) setTimeout(() => refresh(region), wait);
  });
}
