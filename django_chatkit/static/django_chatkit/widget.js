"use strict";
/**
 * Mounts ChatKit in every <django-chatkit> of the page, however and whenever it gets there.
 *
 * @typedef {import("@openai/chatkit").ChatKitOptions} ChatKitOptions
 * @typedef {import("@openai/chatkit").OpenAIChatKit} OpenAIChatKit
 * @typedef {import("@openai/chatkit").CustomApiConfig} Api
 * @typedef {"light" | "dark" | "auto"} Scheme
 * @typedef {Omit<import("@openai/chatkit").ThemeOption, "colorScheme"> & {colorScheme?: Scheme}} Theme
 * @typedef {Omit<ChatKitOptions, "theme" | "api"> & {theme?: Scheme | Theme, api: Api}} PageOptions
 * @typedef {{header: string, cookie?: string, token?: string, url?: string}} Csrf
 * @typedef {(params: Record<string, unknown>) => unknown} ClientTool
 * @typedef {object} Config what the template tag writes into the page
 * @property {string} server
 * @property {PageOptions} options
 * @property {Csrf} csrf
 * @property {string | null} page
 * @property {string | null} [language] that of Django in the page
 * @property {string} scriptUrl
 * @property {number} patience seconds
 * @property {Record<string, string>} messages for everybody
 * @property {Record<string, string> | null} hints for developers and staff
 */
(() => {
  // A swap brought this script a second time.
  if (customElements.get("django-chatkit")) return;

  const COMPONENT = "openai-chatkit";
  const NONCE = /** @type {HTMLScriptElement | null} */ (document.currentScript)?.nonce ?? "";
  const dark = matchMedia("(prefers-color-scheme: dark)");

  // The component's script

  /** @type {Promise<void> | undefined} */
  let component = firstScript();

  /** The script that came with the page. It leaves the page again, so that no swap can run it twice. */
  function firstScript() {
    const script = document.querySelector("script[data-chatkit-component]");
    if (script === null || customElements.get(COMPONENT)) return undefined;
    return finished(/** @type {HTMLScriptElement} */ (script));
  }

  /** @param {HTMLScriptElement} script @returns {Promise<void>} */
  function finished(script) {
    const done = new Promise((resolve, reject) => {
      script.addEventListener("load", resolve);
      script.addEventListener("error", reject);
    }).finally(() => script.remove());
    done.catch(() => {
      component = undefined; // The next chat tries again.
    });
    return done;
  }

  /** A script that failed is tried once more, which also tells why: see onViolation. @param {string} url */
  async function loadComponent(url) {
    await component?.catch(() => {});
    if (!customElements.get(COMPONENT)) {
      component ??= finished(addScript(url));
      await component;
    }
    await customElements.whenDefined(COMPONENT);
  }

  /** @param {string} src */
  function addScript(src) {
    const script = Object.assign(document.createElement("script"), { src, nonce: NONCE });
    document.head.append(script);
    return script;
  }

  /** Classic, deferred and module scripts have run: whoever listens for events of ours does so now. */
  async function pageScripts() {
    if (document.readyState !== "complete") {
      await new Promise((resolve) => {
        document.addEventListener("DOMContentLoaded", resolve, { once: true });
        addEventListener("load", resolve, { once: true });
      });
    }
    await new Promise((resolve) => setTimeout(resolve));
  }

  // Requests

  /**
   * ChatKit's fetch, with Django's CSRF token, and with every failure in a form that ChatKit shows.
   *
   * @param {Config} config
   * @param {() => void} onCall
   * @param {() => void} onUpdates
   * @returns {typeof fetch}
   */
  function createFetch(config, onCall, onUpdates) {
    return async (input, init = {}) => {
      onCall();
      if (!isOurs(input)) return fetch(input, forElsewhere(init));
      const streaming = new Headers(init.headers).get("accept")?.includes("text/event-stream");
      try {
        const response = await send(config.csrf, input, withPage(config, init));
        if (response.headers.has("X-ChatKit-Updates")) setTimeout(onUpdates);
        return streaming ? await asStream(response, config) : await asJson(response, config);
      } catch (error) {
        if (!streaming || init.signal?.aborted) throw error;
        return errorStream(config.messages.network, true);
      }
    };
  }

  /** The token goes to this site only: files may be uploaded elsewhere. @param {RequestInfo | URL} input */
  function isOurs(input) {
    const url = input instanceof Request ? input.url : input;
    return new URL(url, document.baseURI).origin === location.origin;
  }

  /** A header that a bucket's CORS rules would have to name, and that says nothing to it. @param {RequestInit} init */
  function forElsewhere(init) {
    const headers = new Headers(init.headers);
    headers.delete("chatkit-frame-instance-id");
    return { ...init, headers };
  }

  /** What the page told about itself, signed: see page.py. And its language. @param {Config} config @param {RequestInit} init */
  function withPage({ page, language }, init) {
    const headers = new Headers(init.headers);
    if (page) headers.set("X-ChatKit-Page", page);
    if (language) headers.set("X-ChatKit-Language", language);
    return { ...init, headers };
  }

  /** @param {Csrf} csrf @param {RequestInfo | URL} input @param {RequestInit} init */
  async function send(csrf, input, init) {
    const response = await sendOnce(csrf, input, init);
    if (response.status !== 403 || (await readJson(response))?.code !== "csrf_failed") return response;
    await renewToken(csrf); // Signing in elsewhere has changed it.
    return sendOnce(csrf, input, init);
  }

  /** @param {Csrf} csrf @param {RequestInfo | URL} input @param {RequestInit} init */
  function sendOnce(csrf, input, init) {
    const headers = new Headers(init.headers);
    headers.set(csrf.header, (csrf.cookie ? readCookie(csrf.cookie) : csrf.token) ?? "");
    // A redirect leads to a page for people, such as the login page, and maybe to another site.
    return fetch(input, { ...init, headers, credentials: "same-origin", redirect: "manual" });
  }

  /** @param {Csrf} csrf */
  async function renewToken(csrf) {
    if (!csrf.url) return;
    const response = await fetch(csrf.url, { credentials: "same-origin", redirect: "manual" });
    csrf.token = (await readJson(response))?.token ?? csrf.token;
  }

  /** @param {string} name */
  function readCookie(name) {
    const cookie = document.cookie.split("; ").find((text) => text.startsWith(`${name}=`));
    return cookie && decodeURIComponent(cookie.slice(name.length + 1));
  }

  /** @param {Response} response @param {Config} config */
  async function asStream(response, config) {
    if (response.ok && hasType(response, "text/event-stream")) return response;
    const mayPass = response.status >= 500 || response.status === 429;
    return errorStream(await explain(response, config.messages), mayPass);
  }

  /** @param {Response} response @param {Config} config */
  async function asJson(response, config) {
    const readable = response.ok && !hasType(response, "text/html");
    if (readable || (await readJson(response))?.message) return response;
    const message = await explain(response, config.messages);
    return Response.json({ message }, { status: Math.max(response.status, 400) });
  }

  /** One event, and no second POST: ChatKit repeats those that it takes for failed. @param {string} message @param {boolean} retry */
  function errorStream(message, retry) {
    const event = { type: "error", code: "custom", message, allow_retry: retry };
    const headers = { "Content-Type": "text/event-stream" };
    return new Response(`data: ${JSON.stringify(event)}\n\n`, { headers });
  }

  /** @param {Response} response @param {Record<string, string>} messages @returns {Promise<string>} */
  async function explain(response, messages) {
    const said = (await readJson(response))?.message;
    if (typeof said === "string" && said) return said;
    const signedOut = response.type === "opaqueredirect" || response.status === 401;
    /** @type {Record<number, string>} */
    const known = { 403: messages.forbidden, 413: messages.too_large, 429: messages.too_many };
    return signedOut ? messages.signed_out : (known[response.status] ?? messages.unavailable);
  }

  /** @param {Response} response @param {string} type */
  function hasType(response, type) {
    return response.headers.get("Content-Type")?.toLowerCase().startsWith(type) ?? false;
  }

  /** @param {Response} response @returns {Promise<any>} */
  async function readJson(response) {
    if (!hasType(response, "application/json")) return undefined;
    return response
      .clone()
      .json()
      .catch(() => undefined);
  }

  // Options

  /**
   * Every call of the page ends in a result that the model reads: ChatKit itself would end the turn in
   * silence where a function throws, is missing, or gives nothing.
   *
   * @param {PageOptions} options @param {Record<string, ClientTool>} tools
   */
  function withClientTools(options, tools) {
    const fallback = options.onClientTool;
    options.onClientTool = async (call) => {
      try {
        if (Object.hasOwn(tools, call.name)) return toResult(await tools[call.name](call.params), call.name);
        if (fallback) return toResult(await fallback(call), call.name);
        return { error: `This page has no function ${call.name}.` };
      } catch (error) {
        console.error(`The client tool ${call.name} failed.`, error);
        return { error: `The function ${call.name} of the page failed: ${error}` };
      }
    };
  }

  /** What JSON makes of a value, as an object. @param {unknown} value @param {string} name */
  function toResult(value, name) {
    const json = JSON.stringify(value) ?? "null";
    if (json === "null") return { error: `The function ${name} of the page gave no result.` };
    return json.startsWith("{") ? JSON.parse(json) : { result: JSON.parse(json) };
  }

  /** What setOptions takes: a scheme instead of "auto", no button without a function. @param {PageOptions} page */
  function ready(page) {
    const options = { ...page, theme: resolveTheme(page.theme) };
    if (page.header) options.header = { ...page.header };
    for (const side of /** @type {const} */ (["leftAction", "rightAction"])) {
      if (typeof options.header?.[side]?.onClick !== "function") delete options.header?.[side];
    }
    return /** @type {ChatKitOptions} */ (options);
  }

  /** @param {PageOptions["theme"]} theme @returns {ChatKitOptions["theme"]} */
  function resolveTheme(theme) {
    const now = dark.matches ? "dark" : "light";
    if (typeof theme !== "object") return theme === "auto" ? now : theme;
    const { colorScheme } = theme;
    return { ...theme, colorScheme: colorScheme === "auto" ? now : colorScheme };
  }

  // A policy without 'unsafe-inline' stops the component's own <style>, but not this.
  const fill = new CSSStyleSheet();
  fill.replaceSync(
    ".ck-wrapper, .ck-iframe { display: block; inline-size: 100%; block-size: 100%; border: 0; }",
  );

  /** @param {ShadowRoot | null} root */
  function fillHost(root) {
    if (root && !root.adoptedStyleSheets.includes(fill)) root.adoptedStyleSheets.push(fill);
  }

  // The element

  class DjangoChatKit extends HTMLElement {
    static observedAttributes = ["style", "data-state"];
    /** Ends with this stay in the page. */
    #life = new AbortController();
    /** @type {Config | undefined} */
    #config;
    /** @type {PageOptions | undefined} */
    #options;
    /** @type {"loading" | "ready" | "problem" | undefined} */
    #state;

    async connectedCallback() {
      const life = new AbortController();
      this.#life = life;
      this.#config = this.#options = this.#state = undefined;
      this.#writeAll({}); // That this script does not run, which is what the page says without it.
      this.#setHeight();
      await pageScripts();
      if (!life.signal.aborted && !this.closest('[data-chatkit="window"][hidden]')) this.start();
    }

    disconnectedCallback() {
      this.#life.abort();
    }

    /** Swaps put attributes back to what the server wrote: HTMX the style, all that morph each one. */
    attributeChangedCallback() {
      this.#setHeight();
      if (this.#state && this.dataset.state !== this.#state) this.dataset.state = this.#state;
    }

    #setHeight() {
      const { height } = this.dataset;
      if (height && !this.style.getPropertyValue("--chatkit-height"))
        this.style.setProperty("--chatkit-height", height);
    }

    get #chat() {
      return /** @type {OpenAIChatKit} */ (this.querySelector(COMPONENT));
    }

    /** Load the chat now, if that has not been done: a floating one waits until it is opened. */
    async start() {
      if (this.#config || !this.isConnected) return;
      const { signal } = this.#life;
      const config = JSON.parse(this.querySelector("script[type='application/json']")?.textContent ?? "");
      this.#config = config;
      this.#recover("loading");
      this.#watch(config, signal);
      try {
        await Promise.all([loadComponent(config.scriptUrl), pageScripts()]);
      } catch {
        if (!signal.aborted) this.#report("script", config.scriptUrl);
        return;
      }
      if (!signal.aborted) this.#mount(config, signal);
    }

    /** Ask the listeners for "chatkit:options" once more, and apply what they say: for scripts that come late. */
    update() {
      if (!this.#config || !this.#options) return;
      this.#options = this.#collect(this.#config);
      this.#apply();
    }

    /** @param {Config} config @param {AbortSignal} signal */
    #mount(config, signal) {
      this.#options = this.#collect(config);
      this.#apply();
      this.#watchFrame(signal);
      dark.addEventListener("change", () => this.#apply(), { signal });
    }

    /** @param {Config} config */
    #collect(config) {
      const options = structuredClone(config.options);
      options.api.fetch = createFetch(
        config,
        () => this.#recover("ready"),
        () => this.#fetchUpdates(),
      );
      /** @type {Record<string, ClientTool>} */
      const clientTools = {};
      const detail = { element: this.#chat, server: config.server, options, clientTools };
      this.dispatchEvent(new CustomEvent("chatkit:options", { bubbles: true, detail }));
      withClientTools(detail.options, detail.clientTools);
      return detail.options;
    }

    /** All options each time: setOptions forgets the ones before. */
    #apply() {
      if (!this.#options) return;
      this.#setScheme(this.#options.theme);
      try {
        this.#chat.setOptions(ready(this.#options));
      } catch (error) {
        this.#report("options", String(error));
      }
      fillHost(this.#chat.shadowRoot);
    }

    /** What is ours around the component looks as the page wants the component to look. @param {PageOptions["theme"]} theme */
    #setScheme(theme) {
      const scheme = (typeof theme === "object" ? theme.colorScheme : theme) ?? "auto";
      for (const element of [this, this.closest("django-chatkit-floating")])
        if (element instanceof HTMLElement) element.dataset.scheme = scheme;
    }

    /** The server has changed the thread: it asks why an answer was bad, for example. */
    async #fetchUpdates() {
      try {
        await this.#chat?.fetchUpdates();
      } catch {
        // Busy, or gone. A reload shows it too.
      }
    }

    // Never blank

    /** @param {Config} config @param {AbortSignal} signal */
    #watch(config, signal) {
      const chat = this.#chat;
      chat.addEventListener("chatkit.error", (event) => this.#onError(event.detail?.error), { signal });
      chat.addEventListener("chatkit.ready", () => fillHost(chat.shadowRoot), { signal });
      chat.addEventListener("chatkit.log", (event) => this.#onLog(event.detail?.name), { signal });
      document.addEventListener("securitypolicyviolation", (event) => this.#onViolation(event, config), {
        signal,
      });
      this.#find("reload")?.addEventListener("click", () => location.reload(), { signal });
      const timer = setTimeout(() => this.#onSilence(), config.patience * 1000);
      signal.addEventListener("abort", () => clearTimeout(timer));
    }

    /** ChatKit takes its frame away when OpenAI does not know the domain. @param {AbortSignal} signal */
    #watchFrame(signal) {
      const root = this.#chat.shadowRoot;
      if (!root) return;
      let seen = root.querySelector("iframe") !== null;
      const observer = new MutationObserver(() => {
        const there = root.querySelector("iframe") !== null;
        if (seen && !there) this.#report("domain");
        seen ||= there;
      });
      observer.observe(root, { childList: true, subtree: true });
      signal.addEventListener("abort", () => observer.disconnect());
    }

    /** @param {string | undefined} name */
    #onLog(name) {
      if (name === "composer.ready") this.#recover("ready"); // chatkit.ready comes from a blank frame too.
    }

    /** @param {any} error */
    #onError(error) {
      const text = `${error?.name}: ${error?.message}`;
      if (/domain ?verification/i.test(text)) this.#report("domain", text);
      else if (error?.name === "FatalAppError") this.#report("options", text);
      else if (error?.name === "IntegrationError" && this.#state !== "ready") this.#report("options", text);
    }

    /** @param {SecurityPolicyViolationEvent} event @param {Config} config */
    #onViolation(event, config) {
      const { disposition, effectiveDirective, blockedURI } = event;
      const { origin } = new URL(config.scriptUrl, document.baseURI);
      const ours = /^(script|frame|child)-src/.test(effectiveDirective) && blockedURI.startsWith(origin);
      if (!ours || disposition !== "enforce" || this.#state === "ready") return;
      this.#report("blocked", `${effectiveDirective}: ${blockedURI}`);
    }

    #onSilence() {
      if (this.#state === "loading") this.#report(customElements.get(COMPONENT) ? "silent" : "script");
    }

    /** Show what is wrong. The first word stands, unless a cause can be named. @param {string} kind @param {string} [detail] */
    #report(kind, detail = "") {
      if (this.#state === "problem" && !detail) return;
      if (this.dataset.problem === "blocked" || !this.#config) return;
      const { messages, hints } = this.#config;
      this.#setState("problem");
      this.dataset.problem = kind;
      this.#writeAll({ text: messages[kind], hint: hints?.[kind], detail: hints ? detail : "" });
    }

    /** @param {"loading" | "ready"} state */
    #recover(state) {
      if (this.#state === state) return;
      delete this.dataset.problem;
      this.#setState(state);
      this.#writeAll({});
    }

    /** @param {"loading" | "ready" | "problem"} state */
    #setState(state) {
      this.#state = state;
      this.dataset.state = state;
    }

    /** @param {Record<string, string | undefined>} texts */
    #writeAll(texts) {
      for (const part of ["text", "hint", "detail"]) {
        const place = this.#find(part);
        if (place) Object.assign(place, { textContent: texts[part] ?? "", hidden: !texts[part] });
      }
      const reload = this.#find("reload");
      if (reload) reload.hidden = !texts.text;
    }

    /** @param {string} part @returns {HTMLElement | null} */
    #find(part) {
      return this.querySelector(`[data-chatkit="${part}"]`);
    }
  }

  // A page that Turbo refreshes by morphing keeps its chat: the frame and what is typed into it.
  document.addEventListener("turbo:before-morph-element", (event) => {
    const { currentElement: chat, newElement } = /** @type {CustomEvent} */ (event).detail;
    const ours = /^django-chatkit/.test(chat.localName);
    if (ours && chat.dataset.server === newElement?.dataset.server) event.preventDefault();
  });

  customElements.define("django-chatkit", DjangoChatKit);
})();
