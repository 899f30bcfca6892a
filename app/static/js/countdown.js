// Time left until data-deadline, counted from the server's clock (data-now) and not the viewer's.

const MARKS = [10, 5, 2, 1];
const openedAt =
  Date.now() - performance.now() + (performance.getEntriesByType("navigation")[0]?.responseStart ?? 0);
const clocks = new Map();
const announced = new Map();
let timer;

function words(seconds) {
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (hours >= 48) return `${Math.floor(hours / 24)} days`;
  if (hours >= 1) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  return `${minutes}:${String(seconds % 60).padStart(2, "0")}`;
}

function announce(key, left) {
  const mark = MARKS.findLast((minutes) => left <= minutes * 60);
  if (!mark || announced.get(key) === mark) return;
  // A page opened between two marks says nothing until the next one.
  const justCrossed = mark * 60 - left < 15;
  announced.set(key, mark);
  const region = document.querySelector("[data-announcer]");
  if (region && justCrossed) region.textContent = `${mark} ${mark === 1 ? "minute" : "minutes"} left`;
}

function tick() {
  for (const [element, clock] of clocks) {
    if (!element.isConnected) {
      clocks.delete(element);
      continue;
    }
    const left = Math.max(0, Math.ceil((clock.deadline - Date.now() - clock.ahead) / 1000));
    const text = left > 0 ? element.dataset.prefix + words(left) : element.dataset.ended;
    if (clock.text.textContent !== text) clock.text.textContent = text;
    element.classList.toggle("countdown--urgent", "announce" in element.dataset && left <= 60);
    if (left > 0) {
      if ("announce" in element.dataset) announce(element.dataset.deadline, left);
    } else {
      clocks.delete(element);
      element.dispatchEvent(new CustomEvent("countdown:ended", { bubbles: true }));
    }
  }
  if (clocks.size === 0) timer = clearInterval(timer);
}

function start(root, receivedAt) {
  for (const element of root.querySelectorAll("[data-countdown]")) {
    const deadline = Date.parse(element.dataset.deadline);
    const now = Date.parse(element.dataset.now);
    if (Number.isNaN(deadline) || Number.isNaN(now)) continue;
    const text = element.querySelector("[data-countdown-text]");
    text.title = text.textContent.trim();
    clocks.set(element, { deadline, ahead: now - receivedAt, text });
  }
  if (clocks.size > 0) {
    tick();
    timer ??= setInterval(tick, 500);
  }
}

start(document, openedAt);
document.addEventListener("live:replaced", (event) => start(event.target, Date.now()));
