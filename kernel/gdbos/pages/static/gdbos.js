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

  /* A question that depends on another (data-when) hides while it is not asked; without script it says its condition. */
  function given(form, name) {
    return Array.from(form.elements).filter(function (input) {
      return input.name === name && !input.disabled && (!/^(radio|checkbox)$/.test(input.type) || input.checked);
    }).map(function (input) { return input.value; }).filter(Boolean);
  }
  function holds(form, alternatives) {
    return alternatives.some(function (tests) {
      return tests.every(function (test) {
        const values = given(form, test[0]);
        const met = values.some(function (value) { return test[1].includes(value); });
        return values.length > 0 && met !== test[2];
      });
    });
  }
  function askWhatIsAsked(form) {
    form.querySelectorAll("[data-when]").forEach(function (place) {
      place.hidden = !holds(form, JSON.parse(place.dataset.when));
      place.querySelectorAll("input, select, textarea").forEach(function (input) { input.disabled = place.hidden; });
    });
    form.querySelectorAll(".form-section:has([data-when])").forEach(function (section) {
      section.hidden = !section.querySelector(".field:not([data-when][hidden] *)");
    });
  }
  function askEverywhere() {
    document.querySelectorAll("form").forEach(askWhatIsAsked);
  }
  document.addEventListener("change", function (event) {
    if (event.target.form) {
      askWhatIsAsked(event.target.form);
    }
  });
  document.addEventListener("htmx:afterSwap", askEverywhere);
  askEverywhere();

  /* Printing is the browser's work; the button appears only where it can do something. */
  document.querySelectorAll("button[data-print]").forEach(function (button) {
    button.hidden = false;
    button.addEventListener("click", function () {
      window.print();
    });
  });
})();
