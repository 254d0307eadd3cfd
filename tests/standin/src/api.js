// The requests of the host page: `(api.fetch ?? window.fetch)(url, { method, body, headers, signal })`.

const ATTEMPTS = 6;
const RETRY_MS = 10;

class Api {
  /** @param {App} app */
  constructor(app) {
    this.app = app;
    this.instance = newUuid();
  }

  get options() {
    return this.app.options.api;
  }

  get locale() {
    return resolveLocale(this.app.options.locale ?? navigator.language);
  }

  get baseHeaders() {
    return { "accept-language": this.locale, "chatkit-frame-instance-id": this.instance };
  }

  fetch(url, init) {
    return (this.options.fetch ?? window.fetch).call(undefined, new URL(url, document.baseURI).href, init);
  }

  async post(type, params, headers, signal) {
    const body = { type, params };
    const note = { type, params: JSON.parse(JSON.stringify(params)), status: 0 };
    this.app.el.requests.push(note);
    try {
      const response = await this.fetch(this.options.url, {
        method: "POST",
        body: JSON.stringify(body),
        headers: { "content-type": "application/json", ...headers, ...this.baseHeaders },
        signal,
      });
      return { response, note };
    } catch (error) {
      note.status = -1;
      throw error;
    }
  }

  /** An answer that is no JSON is read as {}: what breaks then, breaks later. */
  async json(type, params, signal = new AbortController().signal) {
    const { response, note } = await this.post(type, params, {}, signal);
    const raw = await response.text();
    note.status = response.status;
    let answer = {};
    try {
      answer = JSON.parse(raw);
    } catch {
      if (response.ok) this.app.violation(`${type} was answered with ${response.status} and no JSON`);
    }
    if (!response.ok) throw new Error(answer?.message ?? response.statusText);
    return answer;
  }

  /**
   * Posts until there is a stream to read. Answers what became of it: the response, "silent" (4xx, or six
   * attempts in vain) or "too many" (429). A failure of the network, or of api.fetch, is thrown.
   */
  async stream(type, params, signal) {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      if (attempt > 1) await this.pause(signal);
      const { response, note } = await this.post(type, params, { accept: "text/event-stream" }, signal);
      note.status = response.status;
      const kind = response.headers.get("content-type") ?? "none";
      if (response.ok && kind.startsWith("text/event-stream")) return response;
      this.app.violation(`${type} was answered with ${response.status} and content type ${kind}`);
      response.body?.cancel().catch(() => {});
      if (response.status === 429) return "too many";
      if (response.status >= 400 && response.status < 500) return "silent";
    }
    return "silent";
  }

  pause(signal) {
    const milliseconds = Number(this.app.el.getAttribute("retry-ms") ?? RETRY_MS);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(resolve, milliseconds);
      signal.addEventListener(
        "abort",
        () => {
          clearTimeout(timer);
          reject(signal.reason);
        },
        { once: true },
      );
    });
  }

  /** All pages of a list; what is missing in an answer is missing in the result. */
  async pages(type, params, first) {
    let page = first ?? (await this.json(type, params));
    const all = [...page.data];
    while (page.has_more) {
      page = await this.json(type, { ...params, after: page.after });
      all.push(...page.data);
    }
    return all;
  }
}

/** crypto.randomUUID is for secure contexts only, and a test host may be http. */
function newUuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 15) | 64;
  bytes[8] = (bytes[8] & 63) | 128;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
