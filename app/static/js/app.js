// Local times, error-summary focus, the account menu, and the double-submit guard.
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
  // A fragment in the form's address would take the focus away again.
  if (location.hash) history.replaceState(null, "", location.pathname + location.search);
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

// The heart changes at once; when the server does not agree, the form is sent as it would have been.
async function toggleHeart(event) {
  const form = event.target.closest?.("form[data-heart]");
  if (!form) return;
  event.preventDefault();
  const button = form.querySelector("button");
  const keep = button.value === "1";
  const show = (kept) => {
    button.setAttribute("aria-pressed", String(kept));
    button.value = kept ? "0" : "1";
  };
  const body = new FormData(form);
  body.set("keep", keep ? "1" : "0");
  body.set("quiet", "1");
  show(keep);
  try {
    const answer = await fetch(form.action, { method: "POST", body, redirect: "manual" });
    if (answer.ok) return;
  } catch {
    // Away: the browser's own page says so.
  }
  show(!keep);
  form.removeAttribute("data-heart");
  form.requestSubmit(button);
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

function showPrintButtons(root) {
  for (const button of root.querySelectorAll("[data-print]")) button.hidden = false;
}

// The chosen picture, before it is sent; what is no picture shows nothing.
function previewPicture(event) {
  const input = event.target;
  if (!input.matches?.("input[type=file][data-preview]")) return;
  const place = document.getElementById(input.dataset.preview);
  const file = input.files[0];
  if (!place) return;
  place.hidden = true;
  if (!file) return;
  const reader = new FileReader();
  reader.onload = () => {
    const image = place.querySelector("img");
    image.onload = () => (place.hidden = false);
    image.src = reader.result;
  };
  reader.readAsDataURL(file);
}

// A moment that is chosen in UTC, as the viewer's clock will show it.
function showLocalMoment(input) {
  const moment = new Date(`${input.value}Z`);
  let words = input.parentElement.querySelector("[data-local-moment]");
  if (!words) {
    words = document.createElement("p");
    words.className = "field__hint";
    words.dataset.localMoment = "";
    input.after(words);
  }
  words.hidden = Number.isNaN(moment.getTime());
  if (!words.hidden) words.textContent = `Where you are: ${localTime.format(moment)}`;
}

// A file that would be refused as a whole, and the form with it, is not sent at all.
const tooLarge = (input) => [...input.files].some((file) => file.size > Number(input.dataset.largest));

function checkSize(event) {
  const input = event.target;
  if (!input.matches?.("input[type=file][data-largest]")) return;
  const field = input.closest(".field");
  const id = `${input.id}-size`;
  document.getElementById(id)?.remove();
  const described = (input.getAttribute("aria-describedby") ?? "").split(" ");
  const others = described.filter((one) => one && one !== id);
  if (tooLarge(input)) {
    const words = document.createElement("p");
    words.className = "field__error";
    words.id = id;
    words.textContent = input.dataset.tooLarge;
    input.before(words);
    others.push(id);
    document.querySelector("[data-announcer]").textContent = words.textContent;
  }
  const wrong = field.querySelector(".field__error") !== null;
  field.classList.toggle("field--error", wrong);
  for (const [name, value] of [["aria-invalid", wrong && "true"], ["aria-describedby", others.join(" ")]]) {
    if (value) input.setAttribute(name, value);
    else input.removeAttribute(name);
  }
}

function holdBack(event) {
  const inputs = [...event.target.querySelectorAll("input[type=file][data-largest]")];
  const input = inputs.find(tooLarge);
  if (!input) return;
  event.preventDefault();
  input.closest(".field").scrollIntoView({ block: "nearest" });
  input.focus({ preventScroll: true });
}

showLocalTimes(document);
showPrintButtons(document);
focusErrorSummary();
document.addEventListener("live:replaced", (event) => {
  showLocalTimes(event.target);
  showPrintButtons(event.target);
});
for (const input of document.querySelectorAll("input[data-utc]")) showLocalMoment(input);
document.addEventListener("input", (event) => "utc" in event.target.dataset && showLocalMoment(event.target));
document.addEventListener("change", previewPicture);
document.addEventListener("change", checkSize);
document.addEventListener("click", (event) => event.target.closest?.("[data-print]") && print());
document.addEventListener("submit", toggleHeart);
document.addEventListener("submit", holdBack);
document.addEventListener("submit", guardSubmit);
addEventListener("pageshow", releaseSubmits);
document.addEventListener("click", closeMenus);
document.addEventListener("focusin", closeMenus);
document.addEventListener("keydown", closeMenus);
