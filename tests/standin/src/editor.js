// Where the user writes: text with chips in it, and the menus that `@` and `/` open.

class Editor {
  /** @param {App} app @param {{ onChange: () => void, onSend: () => void }} events */
  constructor(app, { onChange, onSend }) {
    this.app = app;
    this.onChange = onChange;
    this.entities = new WeakMap();
    this.search = 0;
    /** @type {{ items: any[], at: number } | null} */
    this.menu = null;
    this.node = h("div.editor", {
      role: "textbox",
      "aria-multiline": "true",
      contenteditable: "plaintext-only",
      "data-composer": "",
      oninput: () => this.changed(),
      onkeydown: (event) => {
        if (this.steer(event)) return;
        if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
        event.preventDefault();
        onSend();
      },
      onblur: () => setTimeout(() => this.closeMenu(), 200),
    });
    this.menuNode = h("div.menu.editor-menu", { role: "listbox", hidden: true });
  }

  label(placeholder, disabled) {
    this.node.setAttribute("aria-label", placeholder);
    this.node.setAttribute("data-placeholder", placeholder);
    this.node.setAttribute("aria-disabled", String(disabled));
    this.node.setAttribute("contenteditable", disabled ? "false" : "plaintext-only");
  }

  focus() {
    this.node.focus();
    const range = document.createRange();
    range.selectNodeContents(this.node);
    range.collapse(false);
    this.selection?.removeAllRanges();
    this.selection?.addRange(range);
  }

  /** What is written, as parts of a message; texts are trimmed at both ends of it. */
  get content() {
    const parts = [];
    const addText = (text) => {
      if (parts.at(-1)?.type === "input_text") parts.at(-1).text += text;
      else if (text) parts.push({ type: "input_text", text });
    };
    const walk = (node) => {
      if (this.entities.has(node)) parts.push(tagOfEntity(this.entities.get(node)));
      else if (node.nodeType === Node.TEXT_NODE) addText(node.data.replaceAll("\u00a0", " "));
      else if (node.nodeName === "BR") addText("\n");
      else {
        if (node !== this.node && node.nodeName === "DIV" && parts.length) addText("\n");
        node.childNodes.forEach(walk);
      }
    };
    walk(this.node);
    return trimmed(parts);
  }

  set content(parts) {
    sync(
      this.node,
      parts.map((part) =>
        part.type === "input_tag" ? this.chip(entityOfTag(part)) : document.createTextNode(part.text),
      ),
    );
    this.onChange();
  }

  chip(entity) {
    const node = h("span.entity", { contenteditable: "false", "data-entity": entity.id }, entity.title);
    this.entities.set(node, entity);
    return node;
  }

  changed() {
    if (!this.node.textContent && !this.node.querySelector(".entity")) sync(this.node, []);
    this.onChange();
    this.look();
  }

  // Menus

  get selection() {
    const root = this.node.getRootNode();
    return root.getSelection ? root.getSelection() : document.getSelection();
  }

  /** The `@word` or `/word` before the caret. */
  get trigger() {
    const { anchorNode, anchorOffset } = this.selection ?? {};
    if (anchorNode?.nodeType !== Node.TEXT_NODE || !this.node.contains(anchorNode)) return null;
    const before = anchorNode.data.slice(0, anchorOffset);
    const match = /(?:^|\s)([@/])([^@/\n]{0,40})$/.exec(before);
    if (!match || (match[1] === "/" && before.trimStart()[0] !== "/")) return null;
    return {
      kind: match[1],
      query: match[2],
      text: anchorNode,
      start: before.length - match[2].length - 1,
      end: anchorOffset,
    };
  }

  async look() {
    const { trigger } = this;
    const { entities, commands } = this.app.options;
    const search = ++this.search;
    if (trigger?.kind === "@" && entities?.onTagSearch) {
      const returned = await entities.onTagSearch(trigger.query);
      const found = checkReturned(this.app, "onTagSearch", listOf(ENTITY), returned) ?? [];
      if (search === this.search)
        this.openMenu(
          found.map((entity) => ({
            ...entity,
            label: entity.title,
            pick: () => this.insert(entity, trigger),
          })),
        );
    } else if (trigger?.kind === "/" && commands?.enabled) {
      const returned = (await commands.onSearch?.(trigger.query)) ?? [];
      const found = checkReturned(this.app, "onSearch", listOf(COMMAND), returned) ?? [];
      if (search === this.search) this.openCommands(found, trigger);
    } else {
      this.closeMenu();
    }
  }

  openCommands(found, trigger) {
    const own = this.app.composer.commands.filter(({ label }) =>
      label.toLowerCase().includes(trigger.query.toLowerCase()),
    );
    this.openMenu([
      ...found.map((command) => ({ ...command, pick: () => this.select(command, trigger) })),
      ...own.map((command) => ({
        ...command,
        pick: () => {
          this.cut(trigger);
          command.pick();
        },
      })),
    ]);
  }

  async select(command, trigger) {
    const { pick, ...given } = command;
    const returned = await this.app.options.commands.onSelect?.(given);
    const selection = checkReturned(this.app, "onSelect", SELECTION, returned);
    if (selection?.type === "entity") this.insert(selection.entity, trigger);
    else if (selection?.type === "menu")
      this.openMenu(selection.commands.map((each) => ({ ...each, pick: () => this.select(each, trigger) })));
    else this.cut(trigger);
  }

  cut({ text, start, end }) {
    text.deleteData(start, end - start);
    this.closeMenu();
    this.changed();
  }

  insert(entity, { text, start, end }) {
    const rest = text.splitText(start);
    rest.deleteData(0, end - start);
    const space = document.createTextNode(" ");
    rest.before(this.chip(entity), space);
    this.closeMenu();
    this.node.focus();
    this.selection?.collapse(space, 1);
    this.onChange();
  }

  typeAt() {
    this.focus();
    this.node.append(
      document.createTextNode(this.node.textContent && !/\s$/.test(this.node.textContent) ? " @" : "@"),
    );
    this.focus();
    const last = this.node.lastChild;
    this.selection?.collapse(last, last.data.length);
    this.changed();
  }

  openMenu(items) {
    this.menu = items.length ? { items, at: 0 } : null;
    this.drawMenu();
  }

  closeMenu() {
    this.search += 1;
    this.menu = null;
    this.drawMenu();
  }

  drawMenu() {
    this.menuNode.hidden = !this.menu;
    let group;
    sync(
      this.menuNode,
      (this.menu?.items ?? []).flatMap((item, index) => {
        const heading =
          item.group && item.group !== group
            ? h("div.menu-group", { role: "presentation" }, item.group)
            : null;
        group = item.group;
        return [
          heading,
          h(
            "div.menu-item",
            {
              role: "option",
              "aria-selected": String(index === this.menu?.at),
              "data-id": item.id,
              onmousedown: (event) => event.preventDefault(),
              onclick: () => item.pick(),
            },
            item.icon && drawIcon(item.icon),
            h("span", {}, item.label),
            item.description && h("small", {}, item.description),
          ),
        ];
      }),
    );
  }

  /** Keys while a menu is open; true if the key was the menu's. */
  steer(event) {
    const { menu } = this;
    if (!menu) return false;
    const { items, at } = menu;
    const steps = { ArrowDown: 1, ArrowUp: -1 };
    if (event.key in steps) menu.at = (at + steps[event.key] + items.length) % items.length;
    else if (event.key === "Escape") this.closeMenu();
    else if (event.key === "Enter" || event.key === "Tab") items[at].pick();
    else return false;
    event.preventDefault();
    event.stopPropagation();
    if (this.menu) this.drawMenu();
    return true;
  }
}

function trimmed(parts) {
  const result = parts.map((part) => ({ ...part }));
  if (result[0]?.type === "input_text") result[0].text = result[0].text.trimStart();
  if (result.at(-1)?.type === "input_text") result.at(-1).text = result.at(-1).text.trimEnd();
  return result.filter((part) => part.type !== "input_text" || part.text !== "");
}
