// What the page can do without: it counts down, and asks by script for what asks for a password. It never polls, because
// a request is activity, and the session would not end while anybody looks at it.
"use strict";

const started = performance.now();
const limits = [...document.querySelectorAll("[data-left]")].map((element) => [element, Number(element.dataset.left)]);

function tick() {
  const gone = (performance.now() - started) / 1000;
  for (const [element, left] of limits) element.textContent = spelled(Math.max(0, left - gone));
  const ending = limits.filter(([element]) => element.closest("div").querySelector("dt").textContent.startsWith("Ends"));
  const over = document.getElementById("over");
  if (over) over.hidden = !ending.some(([, left]) => left <= gone);
}

function spelled(seconds) {
  const whole = Math.ceil(seconds);
  const pair = (value) => String(value).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours ? `${hours}:${pair(minutes)}:${pair(whole % 60)}` : `${minutes}:${pair(whole % 60)}`;
}

if (limits.length) {
  tick();
  setInterval(tick, 500);
}

for (const button of document.querySelectorAll("[data-ask]")) {
  button.addEventListener("click", async () => {
    const answer = await fetch(button.dataset.ask, { headers: { Accept: "application/json" } });
    const code = document.createElement("code");
    const result = document.getElementById("asked");
    result.className = `result ${answer.ok ? "good" : "bad"}`;
    if (answer.ok) {
      code.textContent = "answered";
      result.replaceChildren(`${answer.status} `, code, ": you gave your password a moment ago");
    } else {
      const said = await answer.json();
      code.textContent = said.reason;
      result.replaceChildren(`${answer.status} `, code, `: ${said.detail}`);
    }
    result.hidden = false;
  });
}
