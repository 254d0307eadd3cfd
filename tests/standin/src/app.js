// What the real element does inside its frame: threads, requests, and what the user may do.

class App {
  /** @param {ChatKitStandIn} el @param {ShadowRoot} root @param {any} options */
  constructor(el, root, options) {
    this.el = el;
    this.options = options;
    this.api = new Api(this);
    this.strict = new Strict(this);
    this.threads = new Map();
    this.thread = new Thread();
    /** @type {{ state: string, rows: any[] }} */
    this.list = { state: "unknown", rows: [] };
    this.historyOpen = false;
    this.view = new View(this, root);
    this.composer = new Composer(this);
  }

  // Telling the host page

  /**
   * @template {keyof import("@openai/chatkit").ChatKitEvents} K
   * @param {K} name
   * @param {import("@openai/chatkit").ChatKitEvents[K]["detail"] | null} detail
   */
  emit(name, detail) {
    this.emitUndocumented(name, detail);
  }

  emitUndocumented(name, detail) {
    if (this.stopped) return;
    this.el.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
  }

  fail(name, message) {
    this.emit("chatkit.error", { error: namedError(name, message) });
  }

  violation(text) {
    if (this.el.violations.includes(text)) return;
    this.el.violations.push(text);
    console.warn(`ChatKit stand-in: ${text}`);
  }

  toast(message) {
    this.emitUndocumented("chatkit.toast.show", { message });
    this.view.toast(message);
  }

  /** Several changes in one go are drawn once. */
  render() {
    if (this.drawing || this.stopped) return;
    this.drawing = true;
    queueMicrotask(() => {
      this.drawing = false;
      if (!this.stopped) this.view.render();
      this.el.toggleAttribute("data-responding", this.thread.responding);
    });
  }

  follow(target) {
    if (target.startsWith("chatkit-link://")) {
      const { host, searchParams } = new URL(target.replace("chatkit-link:", "https:"));
      this.emit("chatkit.deeplink", { name: host, data: Object.fromEntries(searchParams) });
    } else if (/^(https?:|mailto:)/i.test(target)) {
      window.open(target, "_blank", "noopener");
    }
  }

  // From mount to unmount

  async start() {
    this.view.render();
    this.emit("chatkit.log", { name: "composer.ready" });
    const { initialThread, history } = this.options;
    if (typeof initialThread === "string") await this.openInitial(initialThread);
    if (history?.enabled !== false && !this.stopped) await this.loadList();
  }

  stop() {
    this.stopped = true;
    for (const thread of [this.thread, ...this.threads.values()]) thread.turn?.stop();
  }

  use(options) {
    this.options = options;
    this.render();
  }

  async openInitial(id) {
    const previous = this.thread;
    this.emit("chatkit.thread.load.start", { threadId: id });
    try {
      const thread = await this.load(id);
      this.strict.compareWithLive(thread);
      if (this.thread === previous) this.thread = thread;
      this.render();
      this.view.scrollSoon();
      this.emit("chatkit.thread.load.end", { threadId: id });
    } catch (error) {
      this.fail("InitialThreadLoadError", `Failed to load initial thread: ${messageOf(error)}`);
      this.show(new Thread());
    }
  }

  /** A thread with all its items, from the server into memory. */
  async load(id, thread = new Thread()) {
    const wire = await this.api.json("threads.get_by_id", { thread_id: id });
    const items = wire.items.data;
    const all = wire.items.has_more
      ? [
          ...items,
          ...(await this.api.pages("items.list", {
            thread_id: id,
            limit: 9999,
            order: "asc",
            after: wire.items.after,
          })),
        ]
      : items;
    if (wire.id !== id) this.violation(`threads.get_by_id: asked for ${id}, got ${wire.id}`);
    this.strict.checkLoaded(wire, all);
    thread.load(wire, all);
    this.threads.set(thread.id, thread);
    return thread;
  }

  async loadList() {
    try {
      this.list = {
        state: "loaded",
        rows: await this.api.pages("threads.list", { limit: 9999, order: "desc" }),
      };
    } catch (error) {
      // Without `data` the real element crashes as soon as it draws the list.
      const state = error instanceof TypeError && !/fetch/i.test(error.message) ? "broken" : "failed";
      this.list = { state, rows: [] };
      if (state === "failed") this.fail("HistoryViewError", `Failed to load history: ${messageOf(error)}`);
    }
    if (this.historyOpen) this.drawHistory();
  }

  // Threads

  /** Makes a thread the current one and tells the host page. */
  show(thread) {
    this.thread = thread;
    this.composer.update();
    this.emit("chatkit.thread.change", { threadId: thread.id });
    this.render();
    this.view.scrollSoon();
  }

  /** The server has given the new thread its id. */
  adopt(thread) {
    this.threads.set(thread.id, thread);
    this.list.rows = [thread, ...this.list.rows.filter((row) => row.id !== thread.id)];
    if (this.thread === thread) this.emit("chatkit.thread.change", { threadId: thread.id });
  }

  async switchTo(id) {
    if (this.historyOpen) this.hideHistory();
    if (id === this.thread.id && !(id === null && this.thread.responding)) return;
    const known = id === null ? new Thread() : this.threads.get(id);
    if (known) {
      this.show(known);
      this.composer.editor.focus();
      return;
    }
    const previous = this.thread;
    const coming = new Thread();
    coming.id = id;
    this.show(coming);
    this.emit("chatkit.thread.load.start", { threadId: id });
    try {
      await this.load(id, coming);
      this.strict.compareWithLive(coming);
      this.emit("chatkit.thread.load.end", { threadId: id });
      this.render();
      this.view.scrollSoon();
    } catch (error) {
      if (this.thread === coming) this.show(previous);
      throw error;
    }
  }

  async refresh() {
    if (this.options.history?.enabled !== false) await this.loadList();
    if (this.thread.id === null || this.thread.responding) return;
    await this.load(this.thread.id, this.thread);
    this.strict.keepLive(this.thread);
    this.render();
  }

  // History

  async showHistory() {
    if (this.historyOpen) return;
    this.historyOpen = true;
    if (this.list.state === "broken") {
      this.view.blank();
      return;
    }
    this.drawHistory();
    this.emit("chatkit.history.open", null);
    if (this.list.state !== "loaded") await this.loadList();
    this.view.focusHistory();
  }

  drawHistory() {
    if (this.list.state === "broken") this.view.blank();
    else this.view.drawHistory();
  }

  hideHistory() {
    if (!this.historyOpen) return;
    this.historyOpen = false;
    this.view.closeHistory();
    this.emit("chatkit.history.close", null);
  }

  openFromHistory(id) {
    this.switchTo(id).catch((error) => {
      this.fail("ThreadLoadError", `Failed to load thread: ${messageOf(error)}`);
      this.toast(messageOf(error));
    });
  }

  async rename(id, title) {
    try {
      const wire = await this.api.json("threads.update", { thread_id: id, title });
      for (const thread of [this.threads.get(id), this.list.rows.find((row) => row.id === id)]) {
        if (thread) thread.title = wire.title ?? title;
      }
    } catch (error) {
      this.toast(messageOf(error));
    }
    if (this.historyOpen) this.drawHistory();
    this.render();
  }

  async remove(id) {
    try {
      await this.api.json("threads.delete", { thread_id: id });
      this.threads.delete(id);
      this.list.rows = this.list.rows.filter((row) => row.id !== id);
      if (this.thread.id === id) {
        this.thread.turn?.stop();
        this.show(new Thread());
      }
    } catch (error) {
      this.toast(messageOf(error));
    }
    if (this.historyOpen) this.drawHistory();
  }

  // Turns

  prompt(prompt) {
    const content = typeof prompt === "string" ? [{ type: "input_text", text: prompt }] : prompt;
    this.send({ content, model: this.composer.modelId });
  }

  /**
   * Sends what the user says; the composer and the host page have checked that they may.
   * @param {{ content: any[], quoted?: string, attachments?: any[], model?: string, tool?: string }} message
   */
  send({ content, quoted = "", attachments = [], model, tool }) {
    const { thread } = this;
    if (thread.responding) return;
    const inference = {
      ...(model === undefined ? {} : { model }),
      ...(tool === undefined ? {} : { tool_choice: { id: tool } }),
    };
    const input = {
      content,
      quoted_text: quoted,
      attachments: attachments.map(({ id }) => id),
      inference_options: inference,
    };
    thread.optimistic = {
      id: `client_message_${newUuid()}`,
      type: "user_message",
      content,
      attachments,
      quoted_text: quoted,
    };
    this.emitUndocumented("chatkit.composer.submit", { threadId: thread.id });
    if (thread.id === null) this.run(thread, "threads.create", { input });
    else this.run(thread, "threads.add_user_message", { input, thread_id: thread.id });
    this.render();
    this.view.scrollSoon();
  }

  run(thread, type, params, how) {
    return new Turn(this, thread, how).run(type, params);
  }

  retry(userMessage) {
    const { thread } = this;
    if (thread.responding) return;
    thread.dropAfter(userMessage.id);
    this.run(thread, "threads.retry_after_item", { thread_id: thread.id, item_id: userMessage.id });
  }

  userMessageBefore(id) {
    const { items } = this.thread;
    return items
      .slice(
        0,
        items.findIndex((item) => item.id === id),
      )
      .findLast((item) => item.type === "user_message");
  }

  answerQuestions(item, input) {
    const { thread } = this;
    this.run(thread, "threads.add_structured_input", { thread_id: thread.id, item_id: item.id, input });
  }

  sendFeedback(ids, kind) {
    const { thread } = this;
    thread.feedback.set(ids.at(-1), kind);
    this.render();
    this.api.json("items.feedback", { thread_id: thread.id, item_ids: ids, kind }).catch(() => {});
  }

  // Actions

  async widgetAction(action, itemId) {
    if (!this.thread.responding) await this.customAction(action, itemId);
  }

  async customAction(action, itemId) {
    const { thread } = this;
    const item = itemId === undefined ? {} : { item_id: itemId };
    await this.run(
      thread,
      "threads.custom_action",
      { ...item, action, thread_id: thread.id },
      { quiet: true },
    );
  }

  async syncAction(action, itemId) {
    const { thread } = this;
    const answer = await this.api.json("threads.sync_custom_action", {
      item_id: itemId,
      action,
      thread_id: thread.id,
    });
    for (const problem of nonconformities(WIRE_SCHEMA.sync, answer))
      this.violation(`threads.sync_custom_action: ${problem}`);
    if (answer.updated_item) thread.replace(answer.updated_item);
    this.strict.keepLive(thread);
    this.render();
  }
}
