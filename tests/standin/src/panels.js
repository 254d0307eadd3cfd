// The pages of the element: header, start screen, conversation, history, dialogs, toasts.

const GREETING = "What can I help with today?";
const BOUNDARY = "Something went wrong. Please try again later.";
const TOAST_MS = 6000;

class View {
  /** @param {App} app */
  constructor(app, root) {
    this.app = app;
    this.root = root;
    this.drawItem = remember((item) => drawItem(app, item));
    this.articles = new Map();
    this.wasEmpty = true;
    this.drawAction = remember(({ icon, onClick }, place) =>
      iconButton(icon, icon, () => onClick(), { "data-action": place }),
    );
    this.header = h("div.header");
    this.title = h("div.thread-title");
    this.newChat = iconButton("compose", "New chat", () => app.switchTo(null));
    this.openHistory = iconButton("history", "Conversation history", () => app.showHistory());
    this.mark = h("p.stand-in", {}, "ChatKit stand-in · for offline use");
    this.dots = h("div.dots", { role: "status", "aria-label": "Working" }, h("i"), h("i"), h("i"));
    this.log = h("div.log", { role: "log", "aria-label": "Conversation" });
    this.main = h("div.main", {}, this.log);
    this.footer = h("div.footer");
    this.toasts = h("div.toasts", { role: "status", "aria-live": "polite" });
    this.overlay = h("div.overlay");
    this.ui = h("div.ui", { "data-ui": "" });
    root.adoptedStyleSheets = [INNER_SHEET];
    sync(root, [this.ui]);
  }

  /** Nothing at all, as when the real element's frame has crashed. */
  blank() {
    sync(this.root, []);
    this.dead = true;
  }

  render() {
    if (this.dead) return;
    this.theme();
    this.drawHeader();
    const follow = this.follows();
    try {
      sync(this.log, this.app.thread.isEmpty ? [this.drawStart()] : this.drawThread());
      this.drawFooter();
      sync(this.ui, [this.header, this.main, this.footer, this.overlay, this.toasts]);
    } catch (error) {
      console.error(error);
      sync(this.ui, [this.header, h("div.main", {}, h("p.boundary", { role: "alert" }, BOUNDARY))]);
    }
    if (follow) this.scrollToEnd();
  }

  /** A thread is followed at its end; the start screen, which may be long, is read from its top. */
  follows() {
    const { isEmpty } = this.app.thread;
    const begins = this.wasEmpty;
    this.wasEmpty = isEmpty;
    return !isEmpty && this.app.options.thread?.autoScroll && (begins || this.isAtEnd);
  }

  get isAtEnd() {
    return this.main.scrollHeight - this.main.scrollTop - this.main.clientHeight < 80;
  }

  scrollToEnd() {
    this.main.scrollTop = this.main.scrollHeight;
  }

  /** After what is about to be drawn has been drawn. */
  scrollSoon() {
    requestAnimationFrame(() => this.scrollToEnd());
  }

  theme() {
    const { theme = "light" } = this.app.options;
    const set = typeof theme === "string" ? { colorScheme: theme } : theme;
    const { accent, surface } = set.color ?? {};
    for (const [key, value] of Object.entries({
      theme: set.colorScheme ?? "light",
      radius: set.radius ?? "pill",
      density: set.density ?? "normal",
    })) {
      this.ui.setAttribute(`data-${key}`, value);
    }
    for (const [name, value] of Object.entries({
      "--accent": accent?.primary,
      "--back": surface?.background,
      "--text": surface?.foreground,
      "--size": set.typography?.baseSize && `${set.typography.baseSize}px`,
      "--font": set.typography?.fontFamily,
    })) {
      if (value) this.ui.style.setProperty(name, value);
      else this.ui.style.removeProperty(name);
    }
  }

  // Header and footer

  drawHeader() {
    const { header = {}, history } = this.app.options;
    this.header.hidden = header.enabled === false;
    if (this.header.hidden) return sync(this.header, []);
    this.title.textContent =
      header.title?.enabled === false ? "" : (header.title?.text ?? this.app.thread.title ?? "");
    return sync(this.header, [
      header.leftAction && this.drawAction(header.leftAction, "leftAction"),
      this.title,
      history?.enabled !== false && this.openHistory,
      this.newChat,
      header.rightAction && this.drawAction(header.rightAction, "rightAction"),
    ]);
  }

  drawFooter() {
    const { thread, composer, options } = this.app;
    const { question } = thread;
    if (question && this.questions?.item !== question) this.questions = new Questions(this.app, question);
    composer.update();
    const closed = thread.status.type === "closed";
    const closedText = thread.status.reason ?? "This conversation is closed.";
    this.disclaimer =
      options.disclaimer &&
      h(
        "div.disclaimer",
        { "data-contrast": options.disclaimer.highContrast },
        drawMarkdown(options.disclaimer.text, this.app),
      );
    sync(this.footer, [
      closed
        ? h("div.closed", { role: "status" }, closedText)
        : question
          ? this.questions?.node
          : composer.node,
      this.disclaimer,
      this.mark,
    ]);
  }

  drawStart() {
    const { greeting = GREETING, prompts = [] } = this.app.options.startScreen ?? {};
    return h(
      "section.start",
      {},
      h("h2", {}, greeting),
      h(
        "div.prompts",
        {},
        prompts.map(({ label, prompt, icon }) =>
          h(
            "button.prompt",
            { type: "button", onclick: () => this.app.prompt(prompt) },
            icon && drawIcon(icon),
            h("span", {}, label),
          ),
        ),
      ),
    );
  }

  // The conversation

  drawThread() {
    const { thread } = this.app;
    const turns = thread.turns;
    const nodes = turns.map((turn, index) => this.drawTurn(turn, index === turns.length - 1));
    if (thread.optimistic) nodes.push(this.drawTurn({ role: "user", items: [thread.optimistic] }, false));
    return [
      nodes,
      thread.notices.map((notice) => this.drawNotice(notice)),
      thread.responding && this.drawProgress(),
      thread.error && this.drawError(thread.error),
    ];
  }

  /** The same article as before, as long as it begins with the same item. */
  drawTurn({ role, items }, isLast) {
    const key = `${role}:${items[0].id}`;
    if (!this.articles.has(key)) {
      const heading = h("h3.hidden-label", {}, role === "user" ? "You said:" : "The assistant said:");
      this.articles.set(key, {
        node: h("article", { "data-thread-turn": role }),
        heading,
        actions: h("div.actions"),
      });
    }
    const { node, heading, actions } = this.articles.get(key);
    sync(node, [
      heading,
      items.map((item) => this.drawItem(item)),
      role === "assistant" && this.drawActions(actions, items, isLast),
    ]);
    return node;
  }

  drawActions(node, items, isLast) {
    const { options, thread } = this.app;
    const { feedback = true, retry = false } = options.threadItemActions ?? {};
    if (isLast && thread.responding) return null;
    const ids = items.map((item) => item.id);
    const given = thread.feedback.get(ids.at(-1));
    const thumb = (kind, icon, label) =>
      iconButton(icon, label, () => this.app.sendFeedback(ids, kind), {
        "aria-pressed": String(given === kind),
      });
    const key = `${feedback}${retry}${given}${ids}${isLast}`;
    if (node.dataset.key !== key) {
      node.dataset.key = key;
      sync(node, [
        feedback && thumb("positive", "thumbs-up", "Thumbs up"),
        feedback && thumb("negative", "thumbs-down", "Thumbs down"),
        retry &&
          this.app.userMessageBefore(ids[0]) &&
          iconButton("reload", "Regenerate message", () =>
            this.app.retry(this.app.userMessageBefore(ids[0])),
          ),
      ]);
    }
    return node.childElementCount ? node : null;
  }

  drawProgress() {
    const { progress, items, turn } = this.app.thread;
    if (progress)
      return h("div.progress", { role: "status" }, progress.icon && drawIcon(progress.icon), progress.text);
    const last = items.at(-1);
    const waits = !last || last.type === "user_message" || !turn.pending?.has(last.id);
    return waits && this.dots;
  }

  drawError({ message, allowRetry }) {
    const user = this.app.thread.lastUserMessage;
    return h(
      "div.error",
      { role: "alert" },
      h("span", {}, message),
      allowRetry &&
        user &&
        h("button.button.secondary", { type: "button", onclick: () => this.app.retry(user) }, "Retry"),
    );
  }

  drawNotice({ level, title, message }) {
    return h(
      "div.notice",
      { role: "status", "data-level": level },
      title && h("strong", {}, title),
      drawMarkdown(message, this.app),
    );
  }

  // History

  drawHistory() {
    const { app } = this;
    const { showDelete = true, showRename = true } = app.options.history ?? {};
    const row = (thread) =>
      h(
        "li.history-row",
        { "data-thread-id": thread.id, "aria-current": thread.id === app.thread.id ? "true" : null },
        h(
          "button.history-open",
          { type: "button", onclick: () => app.openFromHistory(thread.id) },
          thread.title || "New thread",
        ),
        showRename && iconButton("pencil", "Rename", () => this.askRename(thread)),
        showDelete && iconButton("trash", "Delete", () => this.askDelete(thread)),
      );
    sync(this.overlay, [
      h(
        "section.history",
        {
          role: "region",
          "aria-label": "Conversation history",
          onkeydown: (event) => event.key === "Escape" && app.hideHistory(),
        },
        h(
          "div.history-head",
          {},
          h("h2", {}, "History"),
          iconButton("close", "Close history", () => app.hideHistory()),
        ),
        app.list.rows.length
          ? h("ul", {}, app.list.rows.map(row))
          : h("p.caption", {}, "No conversations yet"),
      ),
    ]);
  }

  focusHistory() {
    this.overlay.querySelector("[aria-label='Close history']")?.focus();
  }

  closeHistory() {
    sync(this.overlay, []);
  }

  askRename(thread) {
    const field = h("input.field", { type: "text", "aria-label": "Title", value: thread.title ?? "" });
    this.dialog(
      "Rename conversation",
      field,
      "Save",
      () => field.value.trim() && this.app.rename(thread.id, field.value.trim()),
    );
    field.focus();
    field.select();
  }

  askDelete(thread) {
    this.dialog(
      "Delete conversation?",
      h("p", {}, `“${thread.title || "New thread"}” will be deleted.`),
      "Delete",
      () => this.app.remove(thread.id),
    );
  }

  dialog(title, body, verb, onConfirm) {
    const close = () => node.remove();
    const confirm = (event) => {
      event.preventDefault();
      close();
      onConfirm();
    };
    const node = h(
      "div.backdrop",
      {
        onkeydown: (event) => {
          if (event.key === "Escape") {
            event.stopPropagation();
            close();
          }
        },
      },
      h(
        "form.dialog",
        { role: "dialog", "aria-modal": "true", "aria-label": title, onsubmit: confirm },
        h("h2", {}, title),
        body,
        h(
          "div.card-actions",
          {},
          h("button.button.secondary", { type: "button", onclick: close }, "Cancel"),
          h("button.button.primary", { type: "submit" }, verb),
        ),
      ),
    );
    this.overlay.append(node);
    node.querySelector("button[type=submit]").focus();
  }

  toast(message) {
    const node = h("div.toast", {}, message);
    this.toasts.append(node);
    setTimeout(() => node.remove(), TOAST_MS);
  }
}
