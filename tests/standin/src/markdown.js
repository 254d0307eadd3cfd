// Enough Markdown to read an answer: no fidelity is claimed. Raw HTML is text; links are buttons without href.

/** @returns {any[]} */
function drawMarkdown(source, app, inlineExtras = []) {
  const blocks = [];
  const lines = String(source ?? "")
    .replace(/\r\n?/g, "\n")
    .split("\n");
  while (lines.length) blocks.push(takeBlock(lines, app));
  const drawn = blocks.filter(Boolean);
  if (inlineExtras.length) (drawn.at(-1) ?? drawn[drawn.push(h("p")) - 1]).append(...inlineExtras);
  return drawn;
}

function takeBlock(lines, app) {
  const line = lines.shift();
  if (!line.trim()) return null;
  const fence = /^ {0,3}(```|~~~)/.exec(line);
  if (fence) return takeCode(lines, fence[1]);
  const heading = /^(#{1,6})\s+(.*)$/.exec(line);
  if (heading) return h(`h${Math.min(6, heading[1].length + 2)}`, {}, drawInline(heading[2], app));
  if (/^ {0,3}([-*_])( *\1){2,} *$/.test(line)) return h("hr");
  if (/^\s*>/.test(line)) {
    const quoted = [line, ...takeWhile(lines, (next) => /^\s*>/.test(next))].map((each) =>
      each.replace(/^\s*> ?/, ""),
    );
    return h("blockquote", {}, drawMarkdown(quoted.join("\n"), app));
  }
  const bullet = /^\s*([-*+]|\d+[.)])\s+/;
  if (bullet.test(line)) {
    const rows = [line, ...takeWhile(lines, (next) => bullet.test(next))];
    const list = /^\s*\d/.test(line) ? "ol" : "ul";
    return h(
      list,
      {},
      rows.map((row) => h("li", {}, drawInline(row.replace(bullet, ""), app))),
    );
  }
  if (line.includes("|") && /^[\s|:-]*-[\s|:-]*$/.test(lines[0] ?? "") && lines[0].includes("|"))
    return takeTable(line, lines, app);
  const rest = takeWhile(
    lines,
    (next) => next.trim() && !/^(#{1,6}\s| {0,3}(```|~~~)|\s*>)/.test(next) && !bullet.test(next),
  );
  return h(
    "p",
    {},
    [line, ...rest].flatMap((each, index) => [index ? h("br") : null, ...drawInline(each.trim(), app)]),
  );
}

function takeCode(lines, fence) {
  const code = takeWhile(lines, (next) => !next.trim().startsWith(fence));
  lines.shift();
  return h("pre", {}, h("code", {}, code.join("\n")));
}

function takeTable(head, lines, app) {
  const cells = (row) =>
    row
      .replace(/^\s*\||\|\s*$/g, "")
      .split("|")
      .map((cell) => drawInline(cell.trim(), app));
  lines.shift();
  const rows = takeWhile(lines, (next) => next.includes("|"));
  return h(
    "table",
    {},
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        cells(head).map((cell) => h("th", {}, cell)),
      ),
    ),
    h(
      "tbody",
      {},
      rows.map((row) =>
        h(
          "tr",
          {},
          cells(row).map((cell) => h("td", {}, cell)),
        ),
      ),
    ),
  );
}

function takeWhile(lines, fits) {
  const taken = [];
  while (lines.length && fits(lines[0])) taken.push(lines.shift());
  return taken;
}

const INLINE =
  /(`+)([^`]+)\1|\*\*([^*]+)\*\*|__([^_]+)__|\*([^*\s][^*]*)\*|(?<!\w)_([^_\s][^_]*)_(?!\w)|~~([^~]+)~~|!\[([^\]]*)\]\(([^)\s]*)[^)]*\)|\[([^\]]+)\]\(([^)\s]*)[^)]*\)|(https?:\/\/[^\s<>")]+)/;

function drawInline(source, app) {
  const drawn = [];
  let rest = source;
  for (let match = INLINE.exec(rest); match; match = INLINE.exec(rest)) {
    if (match.index) drawn.push(rest.slice(0, match.index));
    drawn.push(drawMark(match, app));
    rest = rest.slice(match.index + match[0].length);
  }
  if (rest) drawn.push(rest);
  return drawn;
}

function drawMark(match, app) {
  const [, , code, bold, bold2, italic, italic2, gone, alt, , label, target, bare] = match;
  if (code) return h("code", {}, code);
  if (bold || bold2) return h("strong", {}, drawInline(bold || bold2, app));
  if (italic || italic2) return h("em", {}, drawInline(italic || italic2, app));
  if (gone) return h("s", {}, drawInline(gone, app));
  if (label) return drawLink(label, target, app);
  if (bare) return drawLink(bare, bare, app);
  return h("span.image-alt", {}, alt);
}

function drawLink(label, target, app) {
  return h(
    "button.link",
    { type: "button", role: "link", onclick: () => app.follow(target) },
    drawInline(label, { follow() {} }),
  );
}
