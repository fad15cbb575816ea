(() => {
  "use strict";
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const requirements = all("details.requirement");
  const bar = document.querySelector("#part-filter");
  const find = document.querySelector("#part-find");
  const buttons = all("button[data-show]", bar);
  const status = bar.querySelector(".shown");
  // What holds requirements, and whether it stood open at first.
  const folds = new Map(all("details.source, details.rest").map((one) => [one, one.open]));
  const words = new Map(requirements.map((one) => [one, one.querySelector("summary").textContent.toLowerCase()]));

  const reveal = (one) => {
    for (let fold = one.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
  };

  const apply = () => {
    const shown = new Set(buttons.filter((one) => one.ariaPressed === "true").map((one) => one.dataset.show));
    const text = find.value.trim().toLowerCase();
    let number = 0;
    for (const one of requirements) {
      one.hidden = (shown.size > 0 && !shown.has(one.dataset.verdict)) || !words.get(one).includes(text);
      number += one.hidden ? 0 : 1;
    }
    for (const group of all(".section, .source, .rest")) {
      group.hidden = all("details.requirement", group).every((one) => one.hidden);
    }
    const filtered = shown.size > 0 || text !== "";
    for (const [fold, open] of folds) fold.open = filtered ? !fold.hidden : open;
    status.textContent = `${number} of ${requirements.length} shown`;
    return shown;
  };

  // The state lives in the fragment, so that a link to a filtered report can be shared and needs no server.
  const remember = (shown) => {
    const state = new URLSearchParams();
    if (shown.size) state.set("show", [...shown].join(","));
    if (find.value.trim()) state.set("find", find.value.trim());
    history.replaceState(null, "", state.size ? `#${state}` : location.pathname + location.search);
  };

  const follow = () => {
    const fragment = location.hash.slice(1);
    if (/^(show|find)=/.test(fragment)) {
      const state = new URLSearchParams(fragment);
      const wanted = (state.get("show") || "").split(",");
      for (const one of buttons) one.ariaPressed = String(wanted.includes(one.dataset.show));
      find.value = state.get("find") || "";
      apply();
      return;
    }
    const target = fragment && document.getElementById(decodeURIComponent(fragment));
    if (!target) return;
    if (target.closest("[hidden]")) {
      for (const one of buttons) one.ariaPressed = "false";
      find.value = "";
      apply();
    }
    reveal(target);
    target.scrollIntoView();
  };

  for (const one of buttons) {
    one.addEventListener("click", () => {
      one.ariaPressed = String(one.ariaPressed !== "true");
      remember(apply());
    });
  }
  find.addEventListener("input", () => remember(apply()));
  for (const one of all("button[data-open]", bar)) {
    one.addEventListener("click", () => {
      const open = one.dataset.open === "true";
      for (const [fold, first] of folds) if (!fold.hidden) fold.open = open || first;
      for (const requirement of requirements) if (!requirement.hidden) requirement.open = open;
    });
  }

  if (navigator.clipboard) {
    for (const block of all("pre.copy")) {
      const holder = document.createElement("div");
      const button = document.createElement("button");
      holder.className = "copyable";
      button.type = "button";
      button.textContent = "Copy";
      button.addEventListener("click", async () => {
        try {
          await navigator.clipboard.writeText(block.textContent);
          button.textContent = "Copied";
        } catch {
          button.textContent = "Not allowed";
        }
        setTimeout(() => { button.textContent = "Copy"; }, 1500);
      });
      block.replaceWith(holder);
      holder.append(block, button);
    }
  }

  // Paper cannot be clicked: what fails or warns is printed open.
  addEventListener("beforeprint", () => {
    for (const one of requirements.filter((each) => /^(fail|warn)$/.test(each.dataset.verdict))) {
      reveal(one);
      for (const fold of all(".others, .story, .served", one)) fold.open = true;
    }
  });

  bar.hidden = false;
  apply();
  addEventListener("hashchange", follow);
  follow();
})();
