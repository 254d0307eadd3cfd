"use strict";
/** The button in the corner, and the window that it opens: <django-chatkit-floating>. */
(() => {
  if (customElements.get("django-chatkit-floating")) return;

  /** @typedef {HTMLElement & {start: () => void}} Chat */
  /** @typedef {import("@openai/chatkit").OpenAIChatKit} OpenAIChatKit */

  class DjangoChatKitFloating extends HTMLElement {
    static observedAttributes = ["style"];
    #life = new AbortController();
    #isOpen = false;

    connectedCallback() {
      this.#life = new AbortController();
      const { signal } = this.#life;
      this.attributeChangedCallback();
      this.#find("launcher").addEventListener("click", () => this.toggle(), { signal });
      this.#find("close").addEventListener("click", () => this.close(), { signal });
      this.addEventListener("keydown", (event) => this.#onKey(event), { signal });
      this.addEventListener("chatkit.log", () => this.#focusComposer(), { signal });
      this.#show(this.#remembered); // Without the focus: nobody has asked for it on this page.
      this.#keep(signal);
    }

    disconnectedCallback() {
      this.#life.abort();
    }

    attributeChangedCallback() {
      const { height } = this.dataset;
      if (height && !this.style.getPropertyValue("--chatkit-height"))
        this.style.setProperty("--chatkit-height", height);
    }

    /** A swap that morphs puts attributes back to what the server wrote. @param {AbortSignal} signal */
    #keep(signal) {
      const observer = new MutationObserver(() => {
        if (this.#find("window").hidden === this.#isOpen) this.#show(this.#isOpen);
      });
      observer.observe(this.#find("window"), { attributeFilter: ["hidden"] });
      signal.addEventListener("abort", () => observer.disconnect());
    }

    open() {
      this.#show(true);
      this.#find("window").focus();
      this.#focusComposer();
    }

    close() {
      this.#show(false);
      this.#find("launcher").focus();
    }

    toggle() {
      if (this.#isOpen) this.close();
      else this.open();
    }

    /** @param {boolean} open */
    #show(open) {
      this.#isOpen = open;
      this.#find("window").hidden = !open;
      this.#find("launcher").setAttribute("aria-expanded", String(open));
      this.#remembered = open;
      if (open) this.#start();
    }

    async #start() {
      await customElements.whenDefined("django-chatkit");
      const chat = /** @type {Chat | null} */ (this.querySelector("django-chatkit"));
      if (this.#isOpen) chat?.start();
    }

    /** Before the chat is ready its composer would take the focus later, from wherever it is then. */
    #focusComposer() {
      const chat = /** @type {OpenAIChatKit | null} */ (this.querySelector("openai-chatkit"));
      const ready = this.querySelector("django-chatkit[data-state='ready']") !== null;
      if (chat && ready && document.activeElement === this.#find("window"))
        chat.focusComposer().catch(() => {});
    }

    /** @param {KeyboardEvent} event */
    #onKey(event) {
      if (event.key !== "Escape" || event.defaultPrevented || !this.#isOpen) return;
      event.preventDefault();
      this.close();
    }

    // Storage may be forbidden: then the window is closed on the next page.

    get #key() {
      return `chatkit:open:${this.dataset.server}`;
    }

    get #remembered() {
      try {
        return sessionStorage.getItem(this.#key) === "true";
      } catch {
        return false;
      }
    }

    set #remembered(open) {
      try {
        sessionStorage.setItem(this.#key, String(open));
      } catch {}
    }

    /** @param {string} part @returns {HTMLElement} */
    #find(part) {
      const found = this.querySelector(`[data-chatkit="${part}"]`);
      if (!(found instanceof HTMLElement))
        throw new Error(`django_chatkit/floating.html needs a data-chatkit="${part}"`);
      return found;
    }
  }

  customElements.define("django-chatkit-floating", DjangoChatKitFloating);
})();
