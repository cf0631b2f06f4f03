/* Small comforts. Every page works without this file. */
"use strict";

(function () {
  /* A request that htmx sent and that failed leaves the page unchanged: say so, to eyes and to screen readers. */
  function announceFailure() {
    const region = document.getElementById("announcement");
    if (region) {
      region.textContent = region.dataset.failure;
      region.hidden = false;
    }
  }
  document.addEventListener("htmx:responseError", announceFailure);
  document.addEventListener("htmx:sendError", announceFailure);
  document.addEventListener("htmx:timeout", announceFailure);
  document.addEventListener("htmx:afterSwap", function () {
    const region = document.getElementById("announcement");
    if (region) {
      region.hidden = true;
    }
  });

  /* Menus close on Escape, and when attention goes elsewhere. */
  function closeMenus(except) {
    document.querySelectorAll("details.menu[open]").forEach(function (menu) {
      if (!except || !menu.contains(except)) {
        menu.open = false;
      }
    });
  }
  document.addEventListener("keydown", function (event) {
    if (event.key !== "Escape") {
      return;
    }
    const menu = document.activeElement && document.activeElement.closest("details.menu[open]");
    closeMenus(null);
    if (menu) {
      menu.querySelector("summary").focus();
    }
  });
  document.addEventListener("click", function (event) {
    closeMenus(event.target);
  });

  /* A link to something folded opens it. */
  function openTarget() {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target instanceof HTMLDetailsElement) {
      target.open = true;
      target.scrollIntoView();
    }
  }
  window.addEventListener("hashchange", openTarget);
  openTarget();

  /* Printing is the browser's work; the button appears only where it can do something. */
  document.querySelectorAll("button[data-print]").forEach(function (button) {
    button.hidden = false;
    button.addEventListener("click", function () {
      window.print();
    });
  });
})();
