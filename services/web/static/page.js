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

  // A link to say something by has its code behind the #, which goes to no server: into the field, and
  // out of the address.
  const card = document.querySelector("#card_code");
  if (card && location.hash.length > 1) {
    card.value = location.hash.slice(1, 61);
    history.replaceState(null, "", location.pathname);
  }

  const news = document.querySelector("[data-news]");
  if (news && "EventSource" in window) {
    const stream = new EventSource(news.dataset.news);
    stream.addEventListener("news", () => { news.hidden = false; stream.close(); });
  }
})();
