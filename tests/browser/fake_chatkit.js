// Plays <openai-chatkit> where a test wants to see what the page does to it, and to say when it fails.
class FakeChatKit extends HTMLElement {
  calls = [];
  focused = 0;

  constructor() {
    super();
    this.attachShadow({ mode: "open" }).innerHTML = "<div class='ck-wrapper'><iframe class='ck-iframe'></iframe></div>";
  }

  get options() {
    return this.calls.at(-1);
  }

  connectedCallback() {
    this.hasBegun = false;
  }

  setOptions(options) {
    this.calls.push(options);
    if (!this.hasBegun) setTimeout(() => this.begin());
    this.hasBegun = true;
  }

  begin() {
    this.tell("chatkit.ready");
    if (!window.fakeStaysBlank) this.tell("chatkit.log", { name: "composer.ready" });
  }

  async focusComposer() {
    this.focused++;
    this.shadowRoot.querySelector("iframe").focus();
  }

  tell(name, detail = null) {
    this.dispatchEvent(new CustomEvent(name, { bubbles: true, composed: true, detail }));
  }

  fail(name, message) {
    this.tell("chatkit.error", { error: Object.assign(new Error(message), { name }) });
  }

  async request(streaming, init = {}) {
    const headers = { "content-type": "application/json", ...(streaming && { accept: "text/event-stream" }) };
    const body = JSON.stringify({ type: streaming ? "threads.create" : "threads.list", params: {} });
    const { api } = this.options;
    const response = await api.fetch.call(undefined, api.url, { method: "POST", body, headers, ...init });
    return { status: response.status, type: response.headers.get("content-type"), text: await response.text() };
  }
}

window.fakeRuns = (window.fakeRuns ?? 0) + 1;
customElements.define("openai-chatkit", FakeChatKit);
