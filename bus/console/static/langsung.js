/* Live numbers of the start page. Without this script the page is whole; its numbers are then as old as the page. */
(function () {
  "use strict";
  var box = document.getElementById("langsung");
  if (!box || !window.EventSource) { return; }
  var said = box.querySelector("[role=status]"), button = box.querySelector("button");
  var KEPT = "konsol-jeda", source = null, needs = null, isPaused = sessionStorage.getItem(KEPT) === "ya";

  function say(name) { said.textContent = box.dataset[name]; }

  function take(event) {
    var told = JSON.parse(event.data);
    Object.keys(told.angka).forEach(function (name) {
      var place = document.querySelector('[data-angka="' + name + '"]');
      if (place && place.textContent !== told.angka[name]) { place.textContent = told.angka[name]; }
    });
    if (needs !== null && needs !== told.perlu) {
      say("berubah");
      // Many consoles hear of it at once, and each asks for its page.
      setTimeout(function () { window.htmx && window.htmx.trigger("#kini", "segarkan"); }, Math.random() * 3000);
    }
    needs = told.perlu;
  }

  function stop() { if (source) { source.close(); source = null; } }

  function start() {
    stop();
    source = new EventSource("/konsol/langsung");
    source.onmessage = take;
    source.onopen = function () { say("jalan"); };
    source.onerror = function () { if (!source || source.readyState === EventSource.CLOSED) { say("putus"); } };
  }

  function show() {
    button.textContent = isPaused ? button.dataset.lanjut : button.dataset.jeda;
    if (isPaused) { stop(); say("jeda"); } else { start(); }
  }

  button.addEventListener("click", function () {
    isPaused = !isPaused;
    sessionStorage.setItem(KEPT, isPaused ? "ya" : "tidak");
    show();
  });
  document.addEventListener("visibilitychange", function () {
    if (document.hidden) { stop(); } else if (!isPaused) { start(); }
  });
  box.hidden = false;
  show();
})();
