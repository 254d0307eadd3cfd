// Making nodes. No innerHTML, no style attributes, no inline handlers: a strict CSP stops nothing here.

/**
 * h("button.primary", { "aria-label": "Send", onclick: f, css: { width: "1px" } }, "text", node, …)
 * @param {string} tag  an element name with optional .classes
 * @param {Record<string, any>} [props]
 * @param {...any} children  nodes, texts, arrays of them; null and false are left out
 * @returns {any}
 */
function h(tag, props = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const node = document.createElement(name);
  if (classes.length) node.className = classes.join(" ");
  for (const [key, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (typeof value === "function") node.addEventListener(key.slice(2), value);
    else if (key === "css") Object.assign(node.style, value);
    else if (key === "value") /** @type {any} */ (node).value = value;
    else node.setAttribute(key, value === true ? "" : String(value));
  }
  append(node, children);
  return node;
}

function append(node, children) {
  for (const child of children.flat(9)) {
    if (child !== undefined && child !== null && child !== false) node.append(child);
  }
}

/** Gives the parent exactly these children and leaves alone those that are in place: focus and typing survive. */
function sync(parent, nodes) {
  const wanted = nodes.flat(9).filter(Boolean);
  let at = parent.firstChild;
  for (const node of wanted) {
    if (node === at) at = at.nextSibling;
    else parent.insertBefore(node, at);
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

/** @returns {any} */
function iconButton(icon, label, onclick, props = {}) {
  return h(
    "button.icon-button",
    { type: "button", "aria-label": label, title: label, onclick, ...props },
    drawIcon(icon),
  );
}

/** A function that remembers its answer for each object it was asked about. */
function remember(make) {
  const known = new WeakMap();
  return (key, ...rest) => {
    if (!known.has(key)) known.set(key, make(key, ...rest));
    return known.get(key);
  };
}

function namedError(name, message) {
  return Object.assign(new Error(message), { name });
}

const messageOf = (error) => (error instanceof Error ? error.message : String(error));
