// Stricter than the real element: everything odd about the server's answers ends up in `el.violations`.

const HIDDEN_ITEMS = new Set(["hidden_context_item", "sdk_hidden_context"]);
const LIVE_KEY = "chatkit-stand-in:";

class Strict {
  /** @param {App} app */
  constructor(app) {
    this.app = app;
  }

  say(text) {
    this.app.violation(text);
  }

  watch(thread, type) {
    return new StreamWatch(this, thread, type);
  }

  /** A thread as get_by_id answered it, and all its items. */
  checkLoaded(wire, items) {
    for (const problem of nonconformities(WIRE_SCHEMA.thread, wire))
      this.say(`threads.get_by_id: ${problem}`);
    const ids = new Set();
    for (const item of items) {
      for (const problem of nonconformities(
        { $ref: "#/$defs/ItemPage" },
        { data: [item], has_more: false },
      )) {
        this.say(`threads.get_by_id: ${problem}`);
      }
      if (ids.has(item.id)) this.say(`threads.get_by_id: id ${item.id} occurs twice`);
      ids.add(item.id);
      this.checkItem(item, wire.id, "threads.get_by_id");
    }
  }

  checkItem(item, threadId, where) {
    if (HIDDEN_ITEMS.has(item.type)) this.say(`${where}: ${item.type} ${item.id} must not reach the browser`);
    if (threadId && item.thread_id !== threadId)
      this.say(`${where}: item ${item.id} is of thread ${item.thread_id}`);
    for (const attachment of item.attachments ?? []) {
      const url = attachment?.preview_url;
      if (url && !/^(https?:\/\/|data:)/.test(url))
        this.say(`${where}: the preview_url of ${attachment.id} is relative`);
    }
  }

  /** Remembers what was on the screen, for the comparison with what is there after a reload. */
  keepLive(thread) {
    if (!thread.id) return;
    const live = thread.items
      .filter((item) => !thread.partial.has(item.id))
      .map((item) => [item.id, digest(item)]);
    try {
      sessionStorage.setItem(LIVE_KEY + thread.id, JSON.stringify(live));
    } catch {
      // No storage, no comparison.
    }
  }

  /** Whatever was on the screen must be there again, unchanged and in the same order. */
  compareWithLive(thread) {
    if (this.app.el.getAttribute("live-vs-reload") === "off") return;
    const live = JSON.parse(sessionStorage.getItem(LIVE_KEY + thread.id) ?? "[]");
    const now = new Map(thread.items.map((item) => [item.id, digest(item)]));
    for (const [id, was] of live) {
      if (!now.has(id)) this.say(`reload: item ${id} is gone; it was ${was}`);
      else if (now.get(id) !== was)
        this.say(`reload: item ${id} differs; it was ${was} and is ${now.get(id)}`);
    }
    const ids = new Set(live.map(([id]) => id));
    const order = [...now.keys()].filter((id) => ids.has(id)).join();
    const before = live
      .map(([id]) => id)
      .filter((id) => now.has(id))
      .join();
    if (order !== before) this.say(`reload: the order was ${before} and is ${order}`);
  }
}

/** What the user sees of an item; what may change without being seen stays out. */
function digest(item) {
  const seen = {
    user_message: () => [
      item.content,
      item.quoted_text ?? "",
      (item.attachments ?? []).map(({ id, name }) => [id, name]),
    ],
    assistant_message: () => item.content,
    client_tool_call: () => [item.name, item.arguments],
    widget: () => item.widget,
    generated_image: () => Boolean(item.image),
    structured_input: () => [item.status, item.inputs],
    workflow: () => item.workflow,
    task: () => item.task,
  }[item.type];
  return JSON.stringify([item.type, sorted(seen?.() ?? null)]);
}

function sorted(value) {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isRecord(value)) return value;
  const keys = Object.keys(value)
    .filter((key) => value[key] !== null && value[key] !== undefined)
    .sort();
  return Object.fromEntries(keys.map((key) => [key, sorted(value[key])]));
}

/** Follows one stream and reports what chatkit-python would not have sent. */
class StreamWatch {
  constructor(strict, thread, type) {
    this.strict = strict;
    this.thread = thread;
    this.type = type;
    this.count = 0;
    this.open = new Map();
    this.seen = new Set();
    this.calls = new Set();
    this.over = null;
    this.known = new Set(thread.items.map((item) => item.id));
  }

  say(text) {
    this.strict.say(`${this.type}: ${text}`);
  }

  see(event) {
    this.count += 1;
    const problems = nonconformities(WIRE_SCHEMA.event, event);
    for (const problem of problems) this.say(problem);
    if (this.over) this.say(`${event?.type} after ${this.over}`);
    if (
      this.count === 1 &&
      this.type === "threads.create" &&
      !["thread.created", "error"].includes(event?.type)
    ) {
      this.say(`the first event is ${event?.type} and not thread.created`);
    }
    if (event?.item) this.seeItem(event, event.item);
    if (event?.type === "thread.item.updated") this.seeUpdate(event);
    if (event?.type === "thread.item.removed") this.open.delete(event.item_id);
    if (event?.type === "error") this.over = "the error";
  }

  seeItem(event, item) {
    const added = event.type === "thread.item.added";
    this.strict.checkItem(item, this.thread.id, this.type);
    if (event.type === "thread.item.replaced") return;
    if (item.type === "client_tool_call") {
      if (this.calls.has(item.id))
        this.say(`client tool call ${item.id} was sent twice, so its handler runs twice`);
      this.calls.add(item.id);
      if (!added && item.status === "pending") this.over = "a pending client tool call";
    }
    if (item.type === "user_message") this.echoed = true;
    const reused =
      this.known.has(item.id) ||
      (this.seen.has(item.id) && !(event.type === "thread.item.done" && this.open.has(item.id)));
    if (reused) this.say(`id ${item.id} is used a second time`);
    this.seen.add(item.id);
    if (added) this.open.set(item.id, new Set());
    else this.open.delete(item.id);
  }

  seeUpdate({ item_id, update }) {
    const parts = this.open.get(item_id);
    // A widget may be updated for as long as it is there.
    if (!parts && this.known.has(item_id) && update?.type?.startsWith("widget.")) return;
    if (!parts) {
      this.say(`update of ${item_id}, which was not added`);
      return;
    }
    const part = update?.content_index;
    if (update?.type === "assistant_message.content_part.added") parts.add(part);
    else if (part !== undefined && !parts.has(part)) this.say(`${update.type} before content_part.added`);
  }

  end() {
    if (this.over === "the error") return;
    for (const id of this.open.keys()) this.say(`item ${id} was added and never done`);
    const asksEcho = this.type === "threads.create" || this.type === "threads.add_user_message";
    if (asksEcho && !this.echoed) this.say("the user's message was not confirmed");
    if (this.type === "threads.create" && !this.count) this.say("the stream was empty");
  }
}

/** What a value has against a JSON Schema; of several choices the nearest is reported. */
function nonconformities(schema, value, path = "") {
  if (schema.$ref) return nonconformities(WIRE_SCHEMA.$defs[schema.$ref.split("/").pop()], value, path);
  const choices = schema.oneOf ?? schema.anyOf;
  if (choices) return nearest(choices, value, path);
  const at = path || "event";
  if ("const" in schema && schema.const !== value)
    return [`${at} is ${show(value)} and not ${show(schema.const)}`];
  if (schema.enum && !schema.enum.includes(value)) return [`${at} is ${show(value)}`];
  if (schema.type && !isOfType(schema.type, value))
    return [`${at} is ${show(value)} and not of type ${schema.type}`];
  if (schema.pattern && !new RegExp(schema.pattern).test(value)) return [`${at} is ${show(value)}`];
  if (schema.format === "date-time" && Number.isNaN(Date.parse(value)))
    return [`${at} is no date: ${show(value)}`];
  if (schema.items && Array.isArray(value)) {
    return value.flatMap((item, index) => nonconformities(schema.items, item, `${path}[${index}]`));
  }
  return schema.properties && isRecord(value) ? ofProperties(schema, value, path) : [];
}

function ofProperties(schema, value, path) {
  const inside = (key) => (path ? `${path}.${key}` : key);
  const problems = (schema.required ?? [])
    .filter((key) => !(key in value))
    .map((key) => `${inside(key)} is missing`);
  for (const [key, item] of Object.entries(value)) {
    const rule = schema.properties[key];
    if (rule) problems.push(...nonconformities(rule, item, inside(key)));
    else if (schema.additionalProperties === false) problems.push(`${inside(key)} is no key of this kind`);
  }
  return problems;
}

function nearest(choices, value, path) {
  const resolved = choices.map((choice) =>
    choice.$ref ? WIRE_SCHEMA.$defs[choice.$ref.split("/").pop()] : choice,
  );
  const named = resolved.filter((choice) => choice.properties?.type?.const !== undefined);
  if (isRecord(value) && named.length) {
    const own = named.find((choice) => choice.properties.type.const === value.type);
    return own
      ? nonconformities(own, value, path)
      : [`${path ? `${path}.type` : "type"} ${show(value.type)} is unknown`];
  }
  const all = resolved.map((choice) => nonconformities(choice, value, path));
  return all.sort((a, b) => a.length - b.length)[0];
}

function isOfType(type, value) {
  if (type === "integer") return Number.isInteger(value);
  if (type === "object") return isRecord(value);
  return typeOf(value) === type;
}

function show(value) {
  const text = JSON.stringify(value) ?? "undefined";
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
