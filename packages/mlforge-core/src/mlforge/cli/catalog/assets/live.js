// Asks the page's own server what has changed, and puts in its place what this page says now.
"use strict";

const EVERY = 2000;
const SHOWN = 3;
let shown = "";

async function ask(address) {
  const answer = await fetch(address, { cache: "no-cache", credentials: "omit" });
  if (!answer.ok && answer.status !== 404) throw new Error(`status ${answer.status}`);
  return answer;
}

async function renew() {
  const answer = await ask(location.pathname);
  const now = new DOMParser().parseFromString(await answer.text(), "text/html");
  const [here, there] = [document.getElementById("main"), now.getElementById("main")];
  if (!here || !there) return;
  if (there.innerHTML !== shown) {
    shown = there.innerHTML;
    const focused = here.contains(document.activeElement) ? document.activeElement.id : "";
    here.replaceChildren(...document.importNode(there, true).childNodes);
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  }
  const [foot, other] = [document.querySelector("footer"), now.querySelector("footer")];
  if (foot && other) foot.textContent = other.textContent;
  document.title = now.title;
  document.dispatchEvent(new Event("catalog:renewed"));
}

function following() {
  const body = document.body;
  const line = document.getElementById("live");
  let since = body.dataset.since;
  let said = "";

  function say(text, state) {
    if (line.textContent !== text) line.textContent = text;
    line.dataset.state = state;
  }

  async function look() {
    const answer = await ask(`${body.dataset.root}changes?since=${encodeURIComponent(since)}`);
    const found = await answer.json();
    if (found.since !== since) {
      await renew();
      since = found.since;
      const more = found.happened.length - SHOWN;
      if (found.happened.length) said = found.happened.slice(-SHOWN).join(" ") + (more > 0 ? ` And ${more} more.` : "");
    }
    if (found.trouble) say(found.trouble, "trouble");
    else say(said ? `Live. ${said}` : "Live", "well");
  }

  async function turn() {
    try {
      if (!document.hidden) await look();
    } catch {
      say("Not connected: mlforge ui does not answer. This page is as it was.", "lost");
    }
    setTimeout(turn, EVERY);
  }

  document.addEventListener("visibilitychange", () => { if (!document.hidden) look().catch(() => {}); });
  turn();
}

following();
