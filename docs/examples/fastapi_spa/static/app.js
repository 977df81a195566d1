"use strict";

const part = (id) => document.getElementById(id);
let live = null;

function cookie(name) {
  const found = document.cookie.split("; ").find((pair) => pair.startsWith(name + "="));
  return found && found.slice(name.length + 1);
}

// The cookie changes with each sign-in, so it is read for each call; the first visit has to ask for it.
async function token() {
  if (!cookie("XSRF-TOKEN")) await fetch("/_secmw/xsrf");
  return cookie("XSRF-TOKEN");
}

async function call(method, path, body) {
  const headers = {};
  if (method !== "GET") headers["X-XSRF-TOKEN"] = await token();
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const answer = await fetch(path, { method, headers, body: JSON.stringify(body) });
  const said = await answer.json();
  if (answer.ok) return said;
  if (said.reason === "sudo_required") {
    location.assign(said.page + "?next=" + encodeURIComponent(location.pathname));
  } else if (said.reason === "sign_in_required") {
    show(null, "Sign in first.");
  } else {
    part("said").textContent = said.detail;
  }
  throw new Error(said.detail);
}

function show(name, said = "") {
  part("said").textContent = said;
  part("sign-in").hidden = name !== null;
  part("inside").hidden = name === null;
  part("name").textContent = name;
  if (name === null && live !== null) {
    live.onclose = null;
    live.close();
    live = null;
  }
}

function list(notes) {
  const items = notes.map((note) => Object.assign(document.createElement("li"), { textContent: note }));
  part("notes").replaceChildren(...items);
}

// The socket says at once what a page that only waits would never hear.
function listen() {
  live = new WebSocket(location.origin.replace("http", "ws") + "/api/live");
  live.onclose = (event) => {
    live = null;
    if (event.code === 1008) show(null, "Your session has ended.");
  };
}

async function begin() {
  const { name } = await call("GET", "/api/me");
  show(name);
  if (name === null) return;
  list(await call("GET", "/api/notes"));
  listen();
}

function on(id, event, act) {
  part(id).addEventListener(event, async (happened) => {
    happened.preventDefault();
    const fields = event === "submit" ? Object.fromEntries(new FormData(happened.target)) : undefined;
    try {
      await act(fields);
    } catch {
      return; // the person has been told
    }
    if (event === "submit") happened.target.reset();
  });
}

on("sign-in", "submit", async (fields) => {
  await call("POST", "/api/sign-in", fields);
  await begin();
});
on("add", "submit", async (fields) => list(await call("POST", "/api/notes", fields)));
on("remove-all", "click", async () => list(await call("DELETE", "/api/notes")));
on("sign-out", "click", async () => {
  await call("POST", "/api/sign-out");
  show(null, "You have signed out.");
});

begin();
