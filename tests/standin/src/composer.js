// The lower edge: editor, files, tools, models, dictation, Send and Stop.

const PLACEHOLDER = "Message the AI";
const DICTATION_TYPE = "audio/webm;codecs=opus";

class Composer {
  /** @param {App} app */
  constructor(app) {
    this.app = app;
    this.tool = null;
    this.model = null;
    this.quoted = "";
    this.recording = false;
    this.editor = new Editor(app, { onChange: () => this.update(), onSend: () => this.submit() });
    this.uploads = new Uploads(app, () => this.update());
    this.picker = h("input", { type: "file", multiple: true, hidden: true, onchange: () => this.picked() });
    this.left = h("div.tools");
    this.right = h("div.tools");
    this.quote = h("div");
    this.node = h(
      "div.composer",
      {},
      this.editor.menuNode,
      this.quote,
      this.uploads.node,
      this.editor.node,
      this.picker,
      h("div.composer-bar", {}, this.left, this.right),
    );
    this.buttons = {
      send: iconButton("send", "Send message", () => this.submit(), { "data-primary": true }),
      stop: iconButton("stop", "Stop response", () => app.thread.turn?.stop(), { "data-primary": true }),
      attach: iconButton("plus", "Attach files", () => this.picker.click()),
      mention: iconButton("at", "Mention", () => this.editor.typeAt()),
      dictate: iconButton("mic", "Dictate", () => this.dictate()),
      tools: iconButton("settings-slider", "Tools", () => this.toggleTools(), { "aria-haspopup": "menu" }),
    };
    this.toolMenu = h("div.menu", { role: "menu", hidden: true });
    this.modelPicker = h("select.model", {
      "aria-label": "Model",
      onchange: (event) => {
        this.model = event.currentTarget.value;
      },
    });
    this.drawn = "";
  }

  get options() {
    return this.app.options.composer ?? {};
  }

  get tools() {
    return this.options.tools ?? [];
  }

  get models() {
    return this.options.models ?? [];
  }

  get modelId() {
    const { models } = this;
    if (models.some(({ id }) => id === this.model)) return this.model;
    return (models.find((model) => model.default) ?? models[0])?.id;
  }

  /** What the `/` menu offers besides the host page's own commands. */
  get commands() {
    return [
      ...(this.uploads.options.enabled
        ? [{ id: "attach", label: "Attach files", icon: "paperclip", pick: () => this.picker.click() }]
        : []),
      ...this.tools.map((tool) => ({
        id: tool.id,
        label: tool.label,
        icon: tool.icon,
        pick: () => this.choose(tool.id),
      })),
    ];
  }

  update() {
    const { thread } = this.app;
    const locked = thread.status.type === "locked";
    const tool = this.tools.find(({ id }) => id === this.tool);
    const placeholder = locked
      ? (thread.status.reason ?? "")
      : (tool?.placeholderOverride ?? this.options.placeholder ?? PLACEHOLDER);
    this.editor.label(placeholder, locked);
    const canStop = thread.responding && thread.turn.allowCancel;
    this.buttons.send.disabled = locked || thread.responding || this.isEmpty || !this.uploads.ready;
    for (const button of [
      this.buttons.attach,
      this.buttons.mention,
      this.buttons.dictate,
      this.buttons.tools,
    ])
      button.disabled = locked;
    sync(this.quote, [this.quoted && h("blockquote.quoted", {}, this.quoted)]);
    sync(this.left, [
      this.uploads.options.enabled && this.buttons.attach,
      this.app.options.entities?.onTagSearch &&
        this.app.options.entities.showComposerMenu &&
        this.buttons.mention,
      this.tools.length > 0 && this.buttons.tools,
      this.toolMenu,
      this.toolButtons,
    ]);
    this.updateModels();
    sync(this.right, [
      this.models.length > 0 && this.modelPicker,
      this.options.dictation?.enabled && this.buttons.dictate,
      canStop ? this.buttons.stop : this.buttons.send,
    ]);
    if (this.uploads.options.accept)
      this.picker.accept = Object.entries(this.uploads.options.accept).flat(2).join(",");
  }

  get isEmpty() {
    return !this.editor.content.length && !this.uploads.attachments.length;
  }

  updateModels() {
    const key = JSON.stringify(this.models);
    if (this.drawn !== key) {
      this.drawn = key;
      sync(
        this.modelPicker,
        this.models.map(({ id, label, description, disabled }) =>
          h("option", { value: id, disabled, title: description }, label),
        ),
      );
    }
    if (this.modelId !== undefined) this.modelPicker.value = this.modelId;
  }

  // Tools

  get toolButtons() {
    return this.tools
      .filter((tool) => tool.pinned || tool.id === this.tool)
      .map((tool) =>
        h(
          "button.tool",
          {
            type: "button",
            "data-tool": tool.id,
            "aria-pressed": String(tool.id === this.tool),
            onclick: () => this.choose(tool.id === this.tool ? null : tool.id),
          },
          drawIcon(tool.icon),
          tool.shortLabel ?? tool.label,
        ),
      );
  }

  toggleTools() {
    this.toolMenu.hidden = !this.toolMenu.hidden;
    sync(
      this.toolMenu,
      this.tools.map((tool) =>
        h(
          "button.menu-item",
          {
            type: "button",
            role: "menuitemradio",
            "aria-checked": String(tool.id === this.tool),
            "data-id": tool.id,
            onclick: () => this.choose(tool.id),
          },
          drawIcon(tool.icon),
          tool.label,
        ),
      ),
    );
  }

  choose(id) {
    this.toolMenu.hidden = true;
    if (id !== this.tool) {
      this.tool = id;
      this.app.emit("chatkit.tool.change", { toolId: id });
    }
    this.update();
  }

  // Sending

  submit() {
    const { thread } = this.app;
    if (this.buttons.send.disabled || thread.question) return;
    const message = {
      content: this.editor.content,
      quoted: this.quoted,
      attachments: this.uploads.attachments,
      model: this.modelId,
      tool: this.tool ?? undefined,
    };
    this.empty();
    if (!this.tools.find(({ id }) => id === this.tool)?.persistent) this.choose(null);
    this.app.send(message);
  }

  empty() {
    this.quoted = "";
    this.uploads.clear();
    this.editor.content = [];
  }

  /**
   * What setComposerValue sets; what is not mentioned stays.
   * @param {Parameters<import("@openai/chatkit").OpenAIChatKit["setComposerValue"]>[0]} value
   */
  set({ text, content, reply, attachments, files, selectedToolId, selectedModelId }) {
    if (content !== undefined) this.editor.content = content;
    else if (text !== undefined) this.editor.content = text ? [{ type: "input_text", text }] : [];
    if (reply !== undefined) this.quoted = reply;
    if (attachments !== undefined) this.uploads.adopt(attachments);
    if (files !== undefined) this.uploads.add(files);
    if (selectedModelId !== undefined) this.model = selectedModelId;
    if (selectedToolId !== undefined) this.choose(selectedToolId);
    this.update();
  }

  picked() {
    this.uploads.add([...(this.picker.files ?? [])]);
    this.picker.value = "";
  }

  // Dictation: a few bytes stand for the recording. The first four are those of WebM.

  async dictate() {
    this.recording = !this.recording;
    const label = this.recording ? "Stop dictation" : "Dictate";
    this.buttons.dictate.setAttribute("aria-label", label);
    this.buttons.dictate.setAttribute("aria-pressed", String(this.recording));
    if (this.recording) return;
    try {
      const { text } = await this.app.api.json("input.transcribe", {
        audio_base64: btoa("\x1aE\xdf\xa3not really a recording"),
        mime_type: DICTATION_TYPE,
      });
      if (text)
        this.editor.content = [
          ...this.editor.content,
          { type: "input_text", text: this.editor.content.length ? ` ${text}` : text },
        ];
      this.editor.focus();
    } catch (error) {
      this.app.toast(messageOf(error));
    }
  }
}
