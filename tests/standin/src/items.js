// One item of the conversation, drawn. The answer may be [] for what is not shown.

const ITEM_DRAWERS = {
  user_message: drawUserMessage,
  assistant_message: drawAssistantMessage,
  widget: (app, item) => [h("div.widget-item", {}, drawWidget(app, item.widget, item))],
  generated_image: drawGeneratedImage,
  structured_input: drawAnsweredQuestions,
  workflow: drawWorkflow,
  task: (app, item) => [h("div.workflow", {}, drawTask(app, item.task))],
};

/** @returns {any} */
function drawItem(app, item) {
  return h(
    "div.item",
    { "data-item": item.type, "data-item-id": item.id },
    ITEM_DRAWERS[item.type](app, item),
  );
}

function drawUserMessage(app, item) {
  const parts = item.content.map((part) =>
    part.type === "input_tag" ? drawEntity(app, entityOfTag(part)) : h("span.text", {}, part.text),
  );
  return [
    (item.attachments ?? []).length > 0 &&
      h(
        "div.attachments",
        {},
        item.attachments.map((each) => drawAttachment(app, each)),
      ),
    item.quoted_text && h("blockquote.quoted", {}, item.quoted_text),
    parts.length > 0 && h("div.bubble", {}, parts),
  ];
}

function drawAttachment(app, attachment) {
  const label = h(
    "span.file",
    { "data-attachment": attachment.id },
    drawIcon(attachment.type === "image" ? "square-image" : "document"),
    attachment.name,
  );
  if (!attachment.preview_url) return label;
  const image = h("img.preview-image", { alt: attachment.name, "data-attachment": attachment.id });
  image.addEventListener("error", () => image.replaceWith(label));
  loadWithoutCookies(app, attachment.preview_url).then(
    (url) => {
      image.src = url;
    },
    () => image.replaceWith(label),
  );
  return image;
}

/** The real element loads previews in a frame of another origin: no cookie goes along. Here neither. */
async function loadWithoutCookies(app, url) {
  if (new URL(url, document.baseURI).origin !== location.origin) return url;
  const response = await window.fetch(url, { credentials: "omit" });
  if (response.ok) return URL.createObjectURL(await response.blob());
  app.violation(`a preview needs a cookie: ${response.status} without`);
  throw new Error(response.statusText);
}

function drawAssistantMessage(app, item) {
  const sources = [];
  const parts = item.content.map((part) => {
    if (part?.type !== "output_text") return h("div.text");
    const marks = part.annotations.map(({ source }) => {
      sources.push(source);
      return h("sup.mark", {}, `${sources.length}`);
    });
    return h("div.text", {}, drawMarkdown(part.text, app, marks));
  });
  return [h("div.answer", {}, parts), sources.length > 0 && drawSources(app, sources)];
}

function drawSources(app, sources) {
  return h(
    "ol.sources",
    { "aria-label": "Sources" },
    sources.map((source, index) =>
      h("li", { "data-source": source.type }, h("span.number", {}, `${index + 1}`), drawSource(app, source)),
    ),
  );
}

function drawSource(app, source) {
  if (source.type === "url") return drawLink(source.title || source.url, source.url, app);
  if (source.type === "entity") return drawEntity(app, source);
  return h("span.file", {}, drawIcon("document"), source.title || source.filename);
}

function drawGeneratedImage(_app, item) {
  if (item.image) return [h("img.generated", { src: item.image.url, alt: "Generated image" })];
  return [
    h(
      "div.generated.loading",
      { role: "status" },
      "Creating image…",
      item.progress ? ` ${Math.round(item.progress * 100)} %` : "",
    ),
  ];
}

function drawAnsweredQuestions(_app, item) {
  if (item.status === "pending") return [];
  const skipped = item.status === "skipped";
  const label = skipped
    ? "Skipped questions"
    : `Asked ${item.inputs.length} question${item.inputs.length === 1 ? "" : "s"}`;
  const answers = item.inputs.map(({ question, answer }) => [
    h("dt", {}, question),
    h("dd", {}, !answer || answer.skipped ? "Skipped" : answer.values.join(", ")),
  ]);
  return [
    h("details.questions", { "data-status": item.status }, h("summary", {}, label), h("dl", {}, answers)),
  ];
}

function drawWorkflow(app, item) {
  const { type, tasks, summary, expanded } = item.workflow;
  const label =
    summary?.title ??
    (summary?.duration !== undefined
      ? `Thought for ${summary.duration}s`
      : type === "reasoning"
        ? "Thinking"
        : "Working");
  return [
    h(
      "details.workflow",
      { open: expanded || !summary, "data-workflow": type },
      h("summary", {}, summary?.icon && drawIcon(summary.icon), label),
      h(
        "ol.tasks",
        {},
        tasks.map((task) => h("li", {}, drawTask(app, task))),
      ),
    ),
  ];
}

function drawTask(app, task) {
  const icons = { web_search: "globe", thought: "lightbulb", file: "document", image: "square-image" };
  const titles = {
    web_search: "Searched the web",
    thought: "",
    file: "Read files",
    image: "Looked at an image",
    custom: "",
  };
  return h(
    "div.task",
    { "data-task": task.type, "data-status": task.status_indicator },
    task.status_indicator === "complete"
      ? drawIcon("check")
      : drawIcon(task.icon ?? icons[task.type] ?? "dot"),
    h(
      "div",
      {},
      h("strong", {}, task.title ?? task.title_query ?? titles[task.type]),
      task.content && h("div.text", {}, drawMarkdown(task.content, app)),
      (task.queries ?? []).map((query) => h("span.query", {}, query)),
      (task.sources ?? []).map((source) => h("div", {}, drawSource(app, source))),
    ),
  );
}
