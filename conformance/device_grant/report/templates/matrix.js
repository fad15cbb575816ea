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

  // Style alone hides what is not chosen; here it is counted, remembered, and heeded by the buttons below.
  const able = CSS.supports("selector(:has(*))");
  const picks = able ? all(".pick input") : [];
  const heads = all(".matrix thead th").slice(1);
  const picked = document.querySelector(".picked");
  let shown = new Set(heads.keys());
  const look = () => {
    shown = new Set([...heads.keys()].filter((number) => heads[number].offsetParent !== null));
    if (picked) picked.textContent = shown.size < heads.length ? `${shown.size} of ${heads.length} ${picked.dataset.what} shown` : "";
  };
  const verdicts = (row) => [...shown].map((number) => row.cells[number + 1].className.slice(2));
  const judged = new Set(["pass", "observed", "warn", "fail"]);
  const fails = (row) => verdicts(row).includes("fail");
  const differs = (row) => new Set(verdicts(row).filter((one) => judged.has(one))).size > 1;

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
          (only.has("differs") && !("differs" in row.dataset && differs(row))) ||
          (only.has("fails") && !("fails" in row.dataset && fails(row))) ||
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
    for (const one of picks) if (one.checked && one.value) state.set(one.name, one.value);
    history.replaceState(null, "", state.size ? `#${state}` : location.pathname + location.search);
  };

  const follow = () => {
    const fragment = location.hash.slice(1);
    const names = [...new Set(picks.map((one) => one.name)), "only", "find"];
    if (names.some((name) => fragment.startsWith(`${name}=`))) {
      const state = new URLSearchParams(fragment);
      for (const one of picks) {
        // A value that nothing here has leaves all of them shown.
        const wanted = state.get(one.name) || "";
        const known = picks.some((other) => other.name === one.name && other.value === wanted);
        one.checked = one.value === (known ? wanted : "");
      }
      look();
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
  for (const one of picks) {
    one.addEventListener("change", () => {
      look();
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
  look(); // A browser that comes back to a page may remember what was chosen.
  apply();
  addEventListener("hashchange", follow);
  follow();
})();
