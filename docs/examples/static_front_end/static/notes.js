function cookie(name) {
  const found = document.cookie.split("; ").find((pair) => pair.startsWith(name + "="));
  return found && found.slice(name.length + 1);
}

// Ask for the cookie once; from then on it is there.
async function token() {
  if (!cookie("XSRF-TOKEN")) await fetch("/_secmw/xsrf");
  return cookie("XSRF-TOKEN");
}

async function add(note) {
  const response = await fetch("/api/notes", {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-XSRF-TOKEN": await token() },
    body: JSON.stringify({ note }),
  });
  show(await response.json());
}

function show(notes) {
  document.querySelector("#notes").replaceChildren(
    ...notes.map((note) => Object.assign(document.createElement("li"), { textContent: note })),
  );
}

document.querySelector("#add").addEventListener("submit", async (event) => {
  event.preventDefault();
  await add(new FormData(event.target).get("note"));
  event.target.reset();
});

fetch("/api/notes").then((response) => response.json()).then(show);
