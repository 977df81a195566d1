// What a page on the web can try against another site. Every attack returns what this site got to see of it.
"use strict";

const main = document.querySelector("main");
const app = main.dataset.app;

const attacks = {
  form(mark, stage) {
    stage.replaceChildren();
    const sink = element("iframe", { name: `sink-${mark}`, title: "Where the answer would go", hidden: true });
    const form = element("form", { method: "post", action: `${app}/notes?attack=${mark}`, target: sink.name });
    form.append(element("input", { name: "note", value: "Written by another site" }));
    form.hidden = true;
    stage.append(sink, form);
    form.submit();
    return "nothing: the answer to a form stays with the browser";
  },

  async fetch(mark) {
    return saw(() =>
      fetch(`${app}/notes?attack=${mark}`, {
        method: "POST",
        mode: "no-cors",
        credentials: "include",
        body: new URLSearchParams({ note: "Written by another site" }),
      }),
    );
  },

  async read(mark) {
    return saw(async () => {
      const answer = await fetch(`${app}/private?attack=${mark}`, { credentials: "include" });
      return `your notes: ${await answer.text()}`;
    });
  },

  socket(mark) {
    return new Promise((resolve) => {
      const socket = new WebSocket(`${app.replace(/^http/, "ws")}/echo?attack=${mark}`);
      socket.onopen = () => {
        resolve("an open connection");
        socket.close();
      };
      socket.onclose = (event) => resolve(`a connection that closed before it opened (code ${event.code})`);
    });
  },

  async frame(mark, stage) {
    stage.replaceChildren(element("iframe", { src: `${app}/attacks?attack=${mark}`, title: "The application, framed" }));
    // The application's page would say hello to whoever frames it.
    const hello = await Promise.race([heard(mark), pause(2000)]);
    return hello ? "the application" : "an empty frame, as below";
  },

  host: (mark) => ask("host", mark),
  forwarded: (mark) => ask("forwarded", mark),

  script(mark) {
    const name = encodeURIComponent(`Jane ${main.dataset.payload}`);
    window.open(`${app}/greet?name=${name}&attack=${mark}`, "_blank", "noopener");
    return "a tab open, and nothing of what happens in it";
  },
};

// Whether an attack got through, from what this site saw and from what the application's log says.
const failed = {
  form: (seen, log) => refused(log),
  fetch: (seen, log) => refused(log),
  read: (seen) => !seen.startsWith("your notes"),
  socket: (seen, log) => refused(log) && !seen.startsWith("an open"),
  frame: (seen) => seen.startsWith("an empty"),
  host: (seen, log) => refused(log) && seen.startsWith("status"),
  forwarded: (seen, log) => refused(log) || seen.includes(`link to ${app}/`),
  script: (seen, log) => log.some((entry) => entry.outcome === "blocked"),
};

const refused = (log) => log.length > 0 && log.every((entry) => entry.outcome === "refused");

async function ask(kind, mark) {
  const answer = await (await fetch(`/ask/${kind}?attack=${mark}`, { method: "POST" })).json();
  return answer.body.link ? `a mail with a link to ${answer.body.link}` : `status ${answer.status}, and no link`;
}

async function saw(attempt) {
  try {
    const found = await attempt();
    return typeof found === "string" ? found : `an answer it can't read (${found.type})`;
  } catch (error) {
    return `an error: ${error.message}`;
  }
}

function heard(mark) {
  return new Promise((resolve) => {
    addEventListener("message", (event) => {
      if (event.origin === app && event.data === `hello ${mark}`) resolve(true);
    });
  });
}

async function verdict(mark, wanted) {
  let log = [];
  for (let round = 0; round < 30 && !log.some(wanted); round += 1) {
    await pause(150);
    log = await (await fetch(`/verdict/${mark}`)).json();
  }
  return log;
}

async function run(key) {
  const card = document.getElementById(key);
  const mark = crypto.randomUUID().replaceAll("-", "");
  const pill = card.querySelector(".pill");
  pill.className = "pill";
  pill.textContent = "trying";
  const seen = await attacks[key](mark, card.querySelector(".stage"));
  const log = await verdict(mark, (entry) => key !== "script" || entry.outcome === "blocked");
  const stopped = failed[key](seen, log);
  pill.classList.add(stopped ? "good" : "bad");
  pill.textContent = stopped ? "stopped" : "got through";
  const said = card.querySelector(".said");
  said.className = `said ${stopped ? "good" : "bad"}`;
  said.replaceChildren(...(log.length ? log.map(line) : ["The application has heard nothing of it."]));
  if (stopped && said.dataset.kept && !refused(log)) said.prepend(element("b", { textContent: said.dataset.kept }));
  card.querySelector(".saw").textContent = seen;
  card.querySelector(".outcome").hidden = false;
  resize();
}

function line(entry) {
  const words = {
    refused: "Refused: ",
    answered: "Answered: ",
    blocked: "Not run: ",
  };
  const whole = element("span", { className: "line" });
  whole.append(words[entry.outcome]);
  if (entry.status) whole.append(element("b", { textContent: `${entry.status} ` }));
  if (entry.reason) whole.append(element("code", { textContent: entry.reason }));
  return whole;
}

function element(name, properties) {
  return Object.assign(document.createElement(name), properties);
}

function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(() => resolve(false), milliseconds));
}

// In a frame of the application the page is as tall as what it holds.
function resize() {
  if (parent !== window) parent.postMessage({ height: document.documentElement.scrollHeight }, app);
}

document.body.classList.toggle("framed", parent !== window);
for (const button of document.querySelectorAll("[data-attack]")) {
  button.addEventListener("click", () => run(button.dataset.attack));
}
document.getElementById("all").addEventListener("click", async () => {
  for (const key of Object.keys(attacks)) if (key !== "script") await run(key);
});
new ResizeObserver(resize).observe(document.body);
