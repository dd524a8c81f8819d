// Passkeys (WebAuthn): asks the browser what a form says in `data-pilihan`, puts the answer into its field `jawaban`, and sends it.
// A form that needs a passkey is hidden until this script knows that the browser has passkeys.
"use strict";
(() => {
  const read = (text) =>
    Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (sign) => sign.charCodeAt(0));
  const write = (bytes) =>
    btoa(String.fromCharCode(...new Uint8Array(bytes))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const readAll = (list) => (list || []).map((one) => ({ ...one, id: read(one.id) }));

  const options = (form) => {
    const asked = JSON.parse(form.dataset.pilihan);
    asked.challenge = read(asked.challenge);
    if (asked.user) asked.user.id = read(asked.user.id);
    asked.excludeCredentials = readAll(asked.excludeCredentials);
    asked.allowCredentials = readAll(asked.allowCredentials);
    return { publicKey: asked };
  };

  const toText = (made) => {
    const response = {};
    for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (made.response[name]) response[name] = write(made.response[name]);
    }
    return JSON.stringify({ id: made.id, rawId: write(made.rawId), type: made.type, response });
  };

  const ask = async (form) => {
    const button = form.querySelector("button");
    const told = form.querySelector("[data-gagal]");
    button.disabled = true;
    told.hidden = true;
    try {
      const container = navigator.credentials;
      const made = await (form.dataset.kunci === "buat" ? container.create(options(form)) : container.get(options(form)));
      form.elements.jawaban.value = toText(made);
      form.submit();
    } catch {
      // Cancelled, timed out, or the device has no passkey for this page.
      told.hidden = false;
      button.disabled = false;
      button.focus();
    }
  };

  if (!window.PublicKeyCredential) return;
  for (const form of document.querySelectorAll("form[data-kunci]")) {
    form.hidden = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      ask(form);
    });
  }
  for (const one of document.querySelectorAll("[data-tanpa-kunci]")) one.hidden = true;
})();
