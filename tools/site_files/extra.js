// Tables that are wider than the window scroll in a box of the theme, which the keyboard must reach.
(() => {
  "use strict";
  const reach = () => {
    for (const box of document.querySelectorAll(".md-typeset__scrollwrap:not([tabindex])")) {
      box.tabIndex = 0;
      box.setAttribute("role", "region");
      box.setAttribute("aria-label", "Table");
    }
  };
  new MutationObserver(reach).observe(document.body, { childList: true, subtree: true });
  reach();
})();
