// What pages do with scripts, all of which they can do without: leave at a key, and load anew what has news.
(() => {
  const leave = document.querySelector("a.leave");
  let pressed = 0;
  let last = 0;
  // Shift, three times within five seconds: no screen reader, browser or form means anything by it.
  document.addEventListener("keyup", (event) => {
    if (event.key !== "Shift" || !leave) return;
    pressed = event.timeStamp - last < 5000 ? pressed + 1 : 1;
    last = event.timeStamp;
    if (pressed < 3) return;
    document.body.hidden = true;
    location.replace(leave.href);
  });
  if (leave) leave.addEventListener("click", () => { document.body.hidden = true; });

  const errors = document.querySelector(".errors");
  if (errors) errors.focus();

  // A form is sent once, however often a tired finger presses.
  document.addEventListener("submit", (event) => {
    if (event.target.dataset.sent) { event.preventDefault(); return; }
    event.target.dataset.sent = "yes";
  });
  addEventListener("pageshow", () => {
    for (const form of document.forms) delete form.dataset.sent;
  });

  const news = document.querySelector("[data-news]");
  if (news && "EventSource" in window) {
    const stream = new EventSource(news.dataset.news);
    stream.addEventListener("news", () => { news.hidden = false; stream.close(); });
  }
})();
