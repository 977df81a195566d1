// The page's own script: it sends, listens, and shows. It is served from here, so the policy lets it run.
"use strict";

const byId = (id) => document.getElementById(id);

// --- a framed page says hello to whoever frames it, so that an attack that worked would show

if (parent !== window) {
  const mark = new URLSearchParams(location.search).get("attack");
  parent.postMessage(`hello ${mark}`, "*");
}

// --- requests with and without a token

const cookie = (name) => document.cookie.split("; ").find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1);

const tokens = {
  good: () => ({ "X-XSRF-TOKEN": cookie("XSRF-TOKEN") }),
  none: () => ({}),
  forged: () => ({ "X-XSRF-TOKEN": "A".repeat(43) }),
};

for (const button of document.querySelectorAll("[data-fetch]")) {
  button.addEventListener("click", async () => {
    const note = `Sent by fetch at ${new Date().toLocaleTimeString("en-GB")}`;
    const answer = await fetch("/notes", {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json", ...tokens[button.dataset.fetch]() },
      body: JSON.stringify({ note }),
    });
    const said = await answer.json();
    if (answer.ok) {
      const item = document.createElement("li");
      item.textContent = said.saved;
      byId("notes").prepend(item);
    }
    tell(answer.ok, `${answer.status} `, answer.ok ? "saved" : said.reason, answer.ok ? "" : `: ${said.detail}`);
  });
}

byId("echo")?.addEventListener("click", () => {
  const socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/echo`);
  socket.onopen = () => socket.send("hello");
  socket.onmessage = (event) => {
    tell(true, "101 ", "accepted", `: it says “${event.data}” back`);
    socket.onclose = null;
    socket.close();
  };
  socket.onclose = () => tell(false, "", "closed", " before it opened");
});

function tell(good, before, code, after) {
  const result = byId("sent");
  const name = document.createElement("code");
  name.textContent = code;
  result.className = `result ${good ? "good" : "bad"}`;
  result.replaceChildren(before, name, after);
  result.hidden = false;
}

// --- frames: what the browser did not show has no document that this page may look at

function judge(id, expected) {
  const frame = byId(id);
  const pill = document.querySelector(`[data-frame="${id}"]`);
  const look = () => {
    const shown = Boolean(frame.contentDocument?.querySelector("main"));
    pill.textContent = shown ? "shown" : "refused by the browser";
    pill.className = `pill ${shown === expected ? "good" : "bad"}`;
  };
  frame.addEventListener("load", look);
  setTimeout(look, 1500);
}

judge("allowed", true);
judge("refused", false);

// --- the attacker's page tells how tall it is

const attacker = byId("attacker");
addEventListener("message", (event) => {
  if (event.source !== attacker.contentWindow || event.origin !== new URL(attacker.src).origin) return;
  if (Number.isFinite(event.data?.height)) attacker.style.height = `${Math.min(Math.max(event.data.height, 200), 6000) + 4}px`;
});

// --- were the headers really sent? The browser knows.

async function check() {
  const answer = await fetch(location.pathname, { method: "HEAD" });
  const plain = (value) => value.replace(/'nonce-[^']*'/g, "'nonce'").replace(/\s+/g, " ");
  let missing = 0;
  for (const row of document.querySelectorAll("#headers tbody tr")) {
    const name = row.querySelector("th");
    const expected = row.querySelector(".value").textContent;
    const removed = name.textContent === "Removed";
    const right = removed
      ? expected.split(", ").every((each) => answer.headers.get(each) === null)
      : plain(answer.headers.get(name.textContent) ?? "") === plain(expected);
    name.classList.add(right ? "sent" : "missing");
    missing += right ? 0 : 1;
  }
  byId("checked").textContent = missing
    ? `Your browser misses ${missing} of them.`
    : "Checked: your browser has just received every one of them, as written here.";
}

check();
byId("readable").textContent = document.cookie.split("; ").map((pair) => pair.split("=")[0]).join(", ") || "none";

// --- the guard's log

const words = { refused: "refused", answered: "answered", blocked: "not run" };
let newest = 0;

async function follow() {
  if (document.visibilityState === "visible") {
    try {
      for (const entry of await (await fetch(`/journal/?after=${newest}`)).json()) {
        newest = entry.number;
        byId("log").prepend(line(entry));
        byId("quiet").hidden = true;
      }
      while (byId("log").children.length > 40) byId("log").lastChild.remove();
    } catch {
      byId("quiet").textContent = "The demo has stopped.";
      byId("quiet").hidden = false;
    }
  }
  setTimeout(follow, 1000);
}

function line(entry) {
  const item = document.createElement("li");
  item.className = entry.outcome;
  const parts = [
    ["time", entry.clock],
    ["b", `${words[entry.outcome]}${entry.status ? ` ${entry.status}` : ""}`],
    ["code", entry.reason],
    ["span", entry.what],
    ["small", entry.origin && `from ${entry.origin}`],
  ];
  for (const [name, text] of parts) {
    if (!text) continue;
    const part = document.createElement(name);
    part.textContent = text;
    item.append(part, " ");
  }
  return item;
}

follow();
