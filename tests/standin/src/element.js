// The element itself: the nine methods of OpenAIChatKit, around an App that exists while it is in a page.

/**
 * Real and Methods are in types.d.ts.
 * @implements {Pick<Real, Methods>}
 */
class ChatKitStandIn extends HTMLElement {
  /** What the server did that a strict reader objects to. Tests expect it to stay empty. @type {string[]} */
  violations = [];

  /** The requests so far: { type, params, status }; 0 is unanswered, -1 failed. @type {{ type: string, params: any, status: number }[]} */
  requests = [];

  /** @type {App | null} */
  #app = null;

  /** @type {import("@openai/chatkit").ChatKitOptions | null} */
  #options = null;

  /** @type {((app: App) => void)[]} */
  #waiting = [];

  constructor() {
    super();
    const outer = this.attachShadow({ mode: "open" });
    this.frame = h("div.ck-iframe", { role: "group", "aria-label": "Chat" });
    append(outer, [h("style", {}, OUTER_STYLE), h("div.ck-wrapper", {}, this.frame)]);
    this.frame.attachShadow({ mode: "open" });
  }

  /** Where everything is drawn; the real element has a frame of another origin there. */
  get ui() {
    return /** @type {ShadowRoot} */ (this.frame.shadowRoot);
  }

  connectedCallback() {
    if (this.#options) this.#mount();
  }

  disconnectedCallback() {
    this.#app?.stop();
    this.#app = null;
  }

  #mount() {
    setTimeout(() => {
      if (!this.isConnected || this.#app) return;
      this.toggleAttribute("data-loaded", true);
      this.dispatchEvent(new CustomEvent("chatkit.ready", { bubbles: true, composed: true }));
      this.#launch();
    });
  }

  #launch() {
    if (this.#app || !this.isConnected || !this.#options) return;
    const wrong = complaints(this.#options);
    if (wrong) {
      const error = namedError("FatalAppError", `ChatKit.create():\n${wrong}`);
      this.dispatchEvent(
        new CustomEvent("chatkit.error", { detail: { error }, bubbles: true, composed: true }),
      );
      return;
    }
    this.#app = new App(this, this.ui, this.#options);
    this.frame.setAttribute("aria-label", this.#options.frameTitle ?? "Chat");
    if ("getClientSecret" in this.#options.api) {
      this.#app.fail("IntegrationError", "The stand-in imitates self-hosted backends only.");
      this.#app = null;
      return;
    }
    this.#app.start();
    for (const resolve of this.#waiting.splice(0)) resolve(this.#app);
  }

  /** @type {Real["setOptions"]} */
  setOptions(options) {
    if (!this.#app) {
      const isFirst = !this.hasAttribute("data-loaded");
      this.#options = options;
      if (this.isConnected) isFirst ? this.#mount() : this.#launch();
      return;
    }
    const wrong = complaints(options);
    if (wrong) {
      Promise.reject(namedError("IntegrationError", `chatKit.setOptions():\n${wrong}`));
      return;
    }
    this.#options = options;
    this.frame.setAttribute("aria-label", options.frameTitle ?? "Chat");
    this.#app.use(options);
  }

  /** @type {Real["focusComposer"]} */
  async focusComposer() {
    const app = await this.#started();
    app.composer.editor.focus();
  }

  /** @type {Real["setThreadId"]} */
  async setThreadId(threadId) {
    const app = await this.#started();
    await app.switchTo(threadId);
  }

  /** @type {Real["sendCustomAction"]} */
  async sendCustomAction(action, itemId) {
    const app = await this.#started();
    if (app.thread.responding) throw new Error("ChatKit: sendAction() ignored - already responding.");
    if (app.thread.id === null) throw new Error("ChatKit: sendAction() ignored - no active thread.");
    await app.customAction(action, itemId);
  }

  /** @type {Real["sendUserMessage"]} */
  async sendUserMessage({ text, content, reply, attachments, newThread, toolChoice, model }) {
    const app = await this.#started();
    if (app.thread.responding && !newThread)
      throw new Error("ChatKit: sendUserMessage() ignored - already responding.");
    const parts = trimmed(content ?? [{ type: "input_text", text: text ?? "" }]);
    if (!parts.length && !attachments?.length)
      throw new Error("ChatKit: sendUserMessage() ignored - message empty.");
    if (newThread) await app.switchTo(null);
    app.send({
      content: parts,
      quoted: reply,
      attachments,
      model: model ?? app.composer.modelId,
      tool: toolChoice?.id,
    });
  }

  /** @type {Real["setComposerValue"]} */
  async setComposerValue(value) {
    const app = await this.#started();
    app.composer.set(value);
  }

  /** @type {Real["showHistory"]} */
  async showHistory() {
    const app = await this.#started();
    await app.showHistory();
  }

  /** @type {Real["hideHistory"]} */
  async hideHistory() {
    const app = await this.#started();
    app.hideHistory();
  }

  /** @type {Real["fetchUpdates"]} */
  async fetchUpdates() {
    const app = await this.#started();
    await app.refresh();
  }

  /** Before there are valid options, every method waits, for ever if need be. @returns {Promise<App>} */
  #started() {
    return this.#app ? Promise.resolve(this.#app) : new Promise((resolve) => this.#waiting.push(resolve));
  }
}

customElements.define("openai-chatkit", ChatKitStandIn);
