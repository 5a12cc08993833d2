// Asks what changed and puts it in its place, node by node, so that focus, scroll and open details stay.
"use strict";
const EVERY_MS = 500, PATIENCE_MS = 5000;
const MINE = new Set(["open", "tabindex"]); // what the reader and this script have done to the page
const part = (id) => document.getElementById(id);
const key = (node) => node.dataset?.key;
let version = document.body.dataset.version, answered = new Date();

function say(id, words) {
  if (part(id).textContent !== words) part(id).textContent = words;
}

function morph(old, now) {
  if (old.nodeType !== now.nodeType || old.nodeName !== now.nodeName || key(old) !== key(now)) return old.replaceWith(now);
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== now.data) old.data = now.data;
    return;
  }
  for (const { name } of [...old.attributes]) if (!now.hasAttribute(name) && !MINE.has(name)) old.removeAttribute(name);
  for (const { name, value } of now.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  children(old, now);
}

function children(old, now) {
  const wanted = new Set([...now.children].map(key));
  for (const one of [...old.children]) if (key(one) && !wanted.has(key(one))) one.remove();
  const known = new Map([...old.children].filter(key).map((one) => [key(one), one]));
  let place = old.firstChild;
  for (const one of [...now.childNodes]) {
    const same = key(one) ? known.get(key(one)) : place && !key(place) && place;
    if (!same) {
      old.insertBefore(one, place);
      continue;
    }
    if (same !== place) old.insertBefore(same, place);
    place = same.nextSibling;
    morph(same, one);
  }
  while (place) {
    const next = place.nextSibling;
    place.remove();
    place = next;
  }
}

function swap(html) {
  const cell = document.activeElement.closest("td");
  const template = document.createElement("template");
  template.innerHTML = html;
  children(part("board"), template.content);
  if (cell?.isConnected && document.activeElement === document.body) {
    cell.tabIndex = -1; // what was focused in it is gone: stay there
    cell.focus({ preventScroll: true });
  }
}

async function look() {
  try {
    const reply = await fetch(`state?since=${version}&sort=${document.body.dataset.sort}`, { signal: AbortSignal.timeout(PATIENCE_MS) });
    if (reply.status === 403) return say("trouble", "The board was restarted. Open its new address.");
    if (!reply.ok) throw new Error(reply.statusText);
    const state = await reply.json();
    answered = new Date();
    if (state.html !== undefined) swap(state.html);
    version = state.version;
    say("at", state.at);
    say("trouble", state.trouble);
    if (state.news) say("news", state.news);
  } catch {
    say("trouble", `The board itself does not answer since ${answered.toTimeString().slice(0, 8)}, trying again.`);
  }
}

for (const [id, value] of [["large", "checked"], ["colours", "value"]]) {
  const kept = localStorage.getItem(`board-${id}`);
  if (kept !== null) part(id)[value] = JSON.parse(kept);
  part(id).addEventListener("change", () => localStorage.setItem(`board-${id}`, JSON.stringify(part(id)[value])));
}

(async () => {
  for (;;) {
    await new Promise((done) => setTimeout(done, EVERY_MS));
    await look();
  }
})();
