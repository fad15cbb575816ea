(() => {
  "use strict";
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const bar = document.querySelector("#part-filter");
  const find = document.querySelector("#part-find");
  const buttons = all("button[data-only]", bar);
  const status = bar.querySelector(".shown");
  const groups = all(".matrix tbody").map((body) => ({ body, rows: all("tr:not(.section)", body) }));
  const words = new Map();
  for (const group of groups) {
    const title = group.body.querySelector(".section").textContent.toLowerCase();
    for (const row of group.rows) words.set(row, `${title} ${row.cells[0].textContent.toLowerCase()}`);
  }

  const pressed = () => new Set(buttons.filter((one) => one.ariaPressed === "true").map((one) => one.dataset.only));

  const apply = () => {
    const only = pressed();
    const text = find.value.trim().toLowerCase();
    let number = 0;
    for (const { body, rows } of groups) {
      let some = false;
      for (const row of rows) {
        row.hidden =
          ("untested" in row.dataset && !only.has("untested")) ||
          (only.has("differs") && !("differs" in row.dataset)) ||
          (only.has("fails") && !("fails" in row.dataset)) ||
          !words.get(row).includes(text);
        if (!row.hidden) {
          some = true;
          number += 1;
        }
      }
      body.hidden = !some;
    }
    status.textContent = `${number} of ${words.size} requirements shown`;
  };

  // The state lives in the fragment, so that a link to a filtered matrix can be shared and needs no server.
  const remember = () => {
    const state = new URLSearchParams();
    if (pressed().size) state.set("only", [...pressed()].join(","));
    if (find.value.trim()) state.set("find", find.value.trim());
    history.replaceState(null, "", state.size ? `#${state}` : location.pathname + location.search);
  };

  const follow = () => {
    const fragment = location.hash.slice(1);
    if (/^(only|find)=/.test(fragment)) {
      const state = new URLSearchParams(fragment);
      const wanted = (state.get("only") || "").split(",");
      for (const one of buttons) one.ariaPressed = String(wanted.includes(one.dataset.only));
      find.value = state.get("find") || "";
      apply();
      return;
    }
    const row = fragment && document.getElementById(decodeURIComponent(fragment));
    if (!row || !row.matches(".matrix tr")) return;
    for (const one of buttons) one.ariaPressed = String(one.dataset.only === "untested" && "untested" in row.dataset);
    find.value = "";
    apply();
    row.querySelector("details").open = true;
    row.scrollIntoView({ block: "center" });
  };

  for (const one of buttons) {
    one.addEventListener("click", () => {
      one.ariaPressed = String(one.ariaPressed !== "true");
      apply();
      remember();
    });
  }
  find.addEventListener("input", () => {
    apply();
    remember();
  });
  if (matchMedia("(max-width: 48rem)").matches) document.querySelector(".legend").open = false;
  bar.hidden = false;
  apply();
  addEventListener("hashchange", follow);
  follow();
})();
