// One turn: from the request to the end of the stream, and on through the calls of client tools.

const GENERIC_FAILURE = "There was an error while generating the assistant's response.";
const TOO_MANY = "You've sent too many requests. Please try again later.";

class Turn {
  /**
   * Custom actions are quiet: they report a response only when there is one.
   * @param {App} app
   * @param {Thread} thread
   * @param {{ quiet?: boolean }} [how]
   */
  constructor(app, thread, { quiet = false } = {}) {
    this.app = app;
    this.thread = thread;
    this.quiet = quiet;
    this.started = false;
    this.stopped = false;
    this.allowCancel = true;
    this.controller = new AbortController();
    /** The items that were added and are not done. @type {Set<string>} */
    this.pending = new Set();
    /** @type {Set<string>} */
    this.finished = new Set();
    /** @type {Promise<any>[]} */
    this.calls = [];
    this.watch = app.strict.watch(thread, "");
  }

  async run(type, params) {
    const { app, thread } = this;
    thread.turn = this;
    thread.error = null;
    thread.notices = [];
    if (!this.quiet) this.start();
    app.render();
    await this.exchanges(type, params);
    thread.turn = null;
    thread.progress = null;
    if (thread.id === null) this.abandon();
    if (this.started) app.emit("chatkit.response.end", null);
    app.strict.keepLive(thread);
    app.render();
  }

  start() {
    if (this.started) return;
    this.started = true;
    this.app.emit("chatkit.response.start", null);
  }

  stop() {
    this.stopped = true;
    this.controller.abort();
  }

  async exchanges(type, params) {
    let calls = await this.exchange(type, params);
    while (calls.length) {
      const answers = await this.answer(calls);
      calls = [];
      for (const result of answers) {
        calls.push(
          ...(await this.exchange("threads.add_client_tool_output", { thread_id: this.thread.id, result })),
        );
      }
    }
  }

  /** Posts and follows the stream; answers the calls of client tools that it brought. */
  async exchange(type, params) {
    this.pending = new Set();
    this.calls = [];
    this.watch = this.app.strict.watch(this.thread, type);
    let ended = "failed";
    try {
      const response = await this.app.api.stream(type, params, this.controller.signal);
      if (typeof response === "string") {
        if (response === "too many") this.app.toast(TOO_MANY);
        ended = "unheard";
      } else {
        await this.follow(response);
        ended = "well";
      }
    } catch (error) {
      if (this.stopped) {
        this.app.emitUndocumented("chatkit.response.stop", null);
        ended = "stopped";
      } else {
        this.report({ message: GENERIC_FAILURE, allow_retry: false }, messageOf(error));
      }
    }
    this.settle(ended);
    return ended === "well" ? this.calls : [];
  }

  async follow(response) {
    const garbage = (error, data) => {
      this.app.fail("StreamEventParsingError", `Failed to parse stream event: ${messageOf(error)}`);
      this.app.violation(`not JSON in the stream: ${data.slice(0, 80)}`);
    };
    const oddLine = (line) => this.app.violation(`unexpected line in the stream: ${line.slice(0, 80)}`);
    for await (const event of readEvents(response, garbage, oddLine)) {
      this.watch.see(event);
      this.apply(event);
      this.app.render();
    }
  }

  /** The end of one stream: what the server did not confirm goes away. */
  settle(ended) {
    const { thread } = this;
    if (ended === "well") this.watch.end();
    thread.optimistic = null;
    if (ended === "stopped" || ended === "failed") {
      for (const id of this.pending) thread.partial.add(id);
      return;
    }
    const answered = thread.items.some(
      (item) => item.type === "assistant_message" && this.finished.has(item.id),
    );
    for (const id of this.pending) {
      const item = thread.find(id);
      if (item?.type !== "assistant_message") continue;
      if (answered) thread.remove(id);
      else thread.put({ ...item, content: [] });
    }
  }

  /** A thread that the server never created leaves nothing behind. */
  abandon() {
    const { app, thread } = this;
    if (thread.error) app.toast(thread.error.message);
    if (app.thread === thread) app.show(new Thread());
  }

  report({ message, allow_retry }, cause) {
    this.app.view.scrollSoon();
    this.thread.error = { message: message ?? GENERIC_FAILURE, allowRetry: allow_retry ?? false };
    this.app.fail("StreamError", cause ?? message ?? GENERIC_FAILURE);
  }

  apply(event) {
    const { app, thread } = this;
    switch (event?.type) {
      case "thread.created":
        thread.describe(event.thread);
        app.adopt(thread);
        break;
      case "thread.updated":
        thread.describe({ ...event.thread, id: thread.id });
        break;
      case "thread.item.added":
        this.start();
        this.pending.add(event.item.id);
        this.receive(event.item);
        break;
      case "thread.item.done":
        this.pending.delete(event.item.id);
        this.finished.add(event.item.id);
        this.receive(event.item);
        break;
      case "thread.item.updated": {
        const item = thread.find(event.item_id);
        if (item) thread.put(updated(item, event.update));
        break;
      }
      case "thread.item.removed":
        this.pending.delete(event.item_id);
        thread.remove(event.item_id);
        break;
      case "thread.item.replaced":
        this.pending.delete(event.item.id);
        thread.replace(event.item);
        break;
      case "stream_options":
        this.allowCancel = event.stream_options.allow_cancel;
        break;
      case "progress_update":
        this.start();
        thread.progress = { icon: event.icon, text: event.text };
        break;
      case "client_effect":
        app.emit("chatkit.effect", { name: event.name, data: event.data });
        break;
      case "error":
        this.report(event);
        break;
      case "notice":
        thread.notices = [...thread.notices, event];
        break;
    }
  }

  receive(item) {
    this.thread.progress = null;
    if (item.type === "user_message") this.thread.optimistic = null;
    if (item.type === "client_tool_call" && item.status === "pending") this.call(item);
    this.thread.put(item);
  }

  /** A tool begins at once; its result waits for the end of the stream. */
  call(item) {
    const tool = this.app.options.onClientTool;
    if (!tool) {
      this.app.fail(
        "IntegrationError",
        `No handler for client tool calls. Set onClientTool to handle "${item.name}".`,
      );
      return;
    }
    const outcome = new Promise((resolve) => resolve(tool({ name: item.name, params: item.arguments })));
    this.calls.push(
      outcome.then(
        (result) => ({ result }),
        () => null,
      ),
    );
  }

  /** The results; a tool that threw says nothing, and nobody is told. */
  async answer(calls) {
    const outcomes = await Promise.all(calls);
    return this.stopped ? [] : outcomes.filter(Boolean).map(({ result }) => result);
  }
}
