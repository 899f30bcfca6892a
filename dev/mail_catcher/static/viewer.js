"use strict";
for (const time of document.querySelectorAll("time[datetime]")) {
  const moment = new Date(time.dateTime);
  time.title = time.textContent;
  time.textContent = moment.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
}

const live = document.getElementById("live");
if (live) {
  const look = async () => {
    try {
      const answer = await fetch(live.dataset.source, { cache: "no-store" });
      const newest = (await answer.json())[0]?.id ?? 0;
      live.textContent = "";
      // Typing in the filter is not to be interrupted.
      const typing = document.activeElement?.tagName === "INPUT";
      if (newest !== Number(live.dataset.newest)) {
        if (typing) live.textContent = "There is new mail.";
        else location.reload();
      }
    } catch {
      live.textContent = "The mail catcher is not running.";
    }
  };
  setInterval(look, 2000);
}
