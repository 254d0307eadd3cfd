// A conversation as the element knows it. Items are never changed in place: a changed item is a new object.

const SHOWN_ITEMS = new Set([
  "user_message",
  "assistant_message",
  "client_tool_call",
  "widget",
  "generated_image",
  "structured_input",
  "workflow",
  "task",
  "end_of_turn",
]);

const NOBODY = { role: "nobody", items: /** @type {any[]} */ ([]) };

class Thread {
  constructor() {
    this.id = null;
    this.title = null;
    this.status = { type: "active" };
    this.items = [];
    /** The user's message while the server has not confirmed it. */
    this.optimistic = null;
    this.turn = null;
    this.error = null;
    this.notices = [];
    this.progress = null;
    this.feedback = new Map();
    this.partial = new Set();
  }

  get responding() {
    return this.turn !== null;
  }

  get isEmpty() {
    return !this.items.length && !this.optimistic && !this.error && !this.responding;
  }

  /** The ids and titles of a Thread off the wire; absent keys say nothing. */
  describe(wire) {
    this.id = wire.id;
    if ("title" in wire) this.title = wire.title;
    if (wire.status) this.status = wire.status;
    if (wire.created_at) this.created_at = wire.created_at;
  }

  /** The whole conversation off the wire; items are trusted to be in order. */
  load(wire, items) {
    this.describe(wire);
    for (const item of items) {
      // The real element stumbles over messages without attachments, so does this one.
      if (item.type === "user_message") item.attachments.filter(Boolean);
    }
    this.items = items.filter((item) => SHOWN_ITEMS.has(item.type));
  }

  find(id) {
    return this.items.find((item) => item.id === id);
  }

  /** Overwrites the item of the same id, wherever it is: ids that are used twice lose messages. */
  put(item) {
    if (!SHOWN_ITEMS.has(item.type)) return;
    const index = this.items.findIndex((known) => known.id === item.id);
    if (index < 0) this.items = [...this.items, item];
    else this.items = this.items.with(index, item);
  }

  replace(item) {
    if (this.find(item.id)) this.put(item);
  }

  remove(id) {
    this.items = this.items.filter((item) => item.id !== id);
  }

  dropAfter(id) {
    const index = this.items.findIndex((item) => item.id === id);
    this.items = this.items.slice(0, index + 1);
  }

  get lastUserMessage() {
    return this.items.findLast((item) => item.type === "user_message");
  }

  get visible() {
    return this.items.filter((item) => item.type !== "client_tool_call" && item.type !== "end_of_turn");
  }

  /** The questions that wait for the user: only as long as nothing came after them. */
  get question() {
    const last = this.visible.at(-1);
    return last?.type === "structured_input" && last.status === "pending" && !this.responding ? last : null;
  }

  /** [{ role, items }]: what one side said without being interrupted. */
  get turns() {
    const turns = [];
    let open = NOBODY;
    for (const item of this.items) {
      if (item.type === "client_tool_call") continue;
      const role = item.type === "user_message" ? "user" : "assistant";
      if (item.type === "end_of_turn") open = NOBODY;
      else if (role === "assistant" && open.role === role) open.items.push(item);
      else {
        open = { role, items: [item] };
        turns.push(open);
      }
    }
    return turns;
  }
}

/** The item as it is after an update. */
function updated(item, update) {
  switch (update.type) {
    case "assistant_message.content_part.added":
    case "assistant_message.content_part.done":
      return { ...item, content: placed(item.content, update.content_index, update.content) };
    case "assistant_message.content_part.text_delta":
      return withPart(item, update, (part) => ({ ...part, text: part.text + update.delta }));
    case "assistant_message.content_part.annotation_added":
      return withPart(item, update, (part) => ({
        ...part,
        annotations: placed(part.annotations, update.annotation_index, update.annotation),
      }));
    case "widget.root.updated":
      return { ...item, widget: update.widget };
    case "widget.component.updated":
      return { ...item, widget: withComponent(item.widget, update.component_id, () => update.component) };
    case "widget.streaming_text.value_delta":
      return {
        ...item,
        widget: withComponent(item.widget, update.component_id, (component) => ({
          ...component,
          value: (component.value ?? "") + update.delta,
          streaming: !update.done,
        })),
      };
    case "workflow.task.added":
    case "workflow.task.updated":
      return {
        ...item,
        workflow: { ...item.workflow, tasks: placed(item.workflow.tasks, update.task_index, update.task) },
      };
    case "generated_image.updated":
      return { ...item, image: update.image, progress: update.progress };
    default:
      return item;
  }
}

function placed(list, index, value) {
  const copy = [...list];
  copy[index] = value;
  return copy;
}

function withPart(item, update, change) {
  const part = item.content[update.content_index];
  if (part?.type !== "output_text") {
    console.error(`Expected ${part?.type} to be output_text`);
    return item;
  }
  return { ...item, content: placed(item.content, update.content_index, change(part)) };
}

function withComponent(component, id, change) {
  if (!isRecord(component)) return component;
  if (component.id === id) return change(component);
  if (!component.children) return component;
  const children = Array.isArray(component.children)
    ? component.children.map((child) => withComponent(child, id, change))
    : withComponent(component.children, id, change);
  return { ...component, children };
}
