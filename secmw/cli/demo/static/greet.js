// Runs before the body is parsed, so it sees everything that the policy keeps from running.
"use strict";

const directives = [];

document.addEventListener("securitypolicyviolation", (violation) => {
  directives.push(violation.effectiveDirective);
  if (document.readyState !== "loading") show();
});

document.addEventListener("DOMContentLoaded", show);

function show() {
  const list = document.getElementById("blocked");
  while (directives.length) {
    const directive = directives.shift();
    const item = document.createElement("li");
    item.textContent = `The browser did not run an inline script: ${directive}`;
    list.append(item);
    report(directive);
  }
}

// An ordinary request of our own page: it needs the token like any other.
function report(directive) {
  const token = /(?:^|; )XSRF-TOKEN=([^;]*)/.exec(document.cookie);
  fetch("/blocked", {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-XSRF-TOKEN": token ? token[1] : "" },
    body: JSON.stringify({
      directive,
      page: location.pathname,
      attack: document.querySelector("main").dataset.attack,
    }),
  });
}
