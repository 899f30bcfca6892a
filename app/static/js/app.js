// Local times, error-summary focus, the account menu, toasts, and the double-submit guard.
// Nothing here is needed for a page to work.

const language = navigator.language.startsWith("en") ? navigator.language : "en-GB";
const localTime = new Intl.DateTimeFormat(language, {
  day: "numeric",
  month: "short",
  year: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
  timeZoneName: "short",
});

function showLocalTimes(root) {
  for (const time of root.querySelectorAll("time[data-local-time]")) {
    const moment = new Date(time.dateTime);
    if (Number.isNaN(moment.getTime())) continue;
    time.title = time.textContent.trim();
    time.textContent = localTime.format(moment);
    time.removeAttribute("data-local-time");
  }
}

function focusErrorSummary() {
  const summary = document.querySelector("[data-error-summary]");
  if (!summary) return;
  summary.focus();
  // A fragment link alone moves the view but leaves a label hidden above the box.
  summary.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#']");
    const field = link && document.getElementById(link.hash.slice(1));
    if (!field) return;
    event.preventDefault();
    (field.closest(".field") ?? field).scrollIntoView({ block: "nearest" });
    field.focus({ preventScroll: true });
  });
}

const sent = new Set();

function guardSubmit(event) {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return;
  if (sent.has(form)) {
    event.preventDefault();
    return;
  }
  sent.add(form);
  for (const button of form.querySelectorAll("button[type=submit]")) {
    button.setAttribute("aria-disabled", "true");
  }
}

// A page shown again (back button, or a submit that only started a download) must be usable.
function releaseSubmits() {
  for (const form of sent) {
    for (const button of form.querySelectorAll("button[aria-disabled]")) {
      button.removeAttribute("aria-disabled");
    }
  }
  sent.clear();
}

function closeMenus(event) {
  for (const menu of document.querySelectorAll("details[data-menu][open]")) {
    const escaped = event.type === "keydown" && event.key === "Escape";
    const left = event.type !== "keydown" && !menu.contains(event.target);
    if (!escaped && !left) continue;
    menu.open = false;
    if (escaped) menu.querySelector("summary").focus();
  }
}

function showToast({ text, href, link, kind = "info" }) {
  const region = document.querySelector("[data-toasts]");
  if (!region) return;
  const toast = document.createElement("div");
  toast.className = `toast toast--${kind}`;
  const body = document.createElement("div");
  body.className = "toast__body";
  const words = document.createElement("p");
  words.textContent = text;
  body.append(words);
  const target = href && new URL(href, location.href);
  if (target && ["http:", "https:"].includes(target.protocol)) {
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
  close.addEventListener("click", () => toast.remove());
  toast.append(body, close);
  region.append(toast);
  // What asks for something stays until it is dismissed.
  if (!href) fadeAway(toast);
}

function fadeAway(toast) {
  setTimeout(() => {
    if (toast.matches(":hover, :focus-within")) fadeAway(toast);
    else toast.remove();
  }, 10_000);
}

showLocalTimes(document);
focusErrorSummary();
document.addEventListener("live:replaced", (event) => showLocalTimes(event.target));
document.addEventListener("app:toast", (event) => showToast(event.detail));
document.addEventListener("submit", guardSubmit);
addEventListener("pageshow", releaseSubmits);
document.addEventListener("click", closeMenus);
document.addEventListener("focusin", closeMenus);
document.addEventListener("keydown", closeMenus);
