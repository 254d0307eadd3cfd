// The options of @openai/chatkit 1.9.0, as strictly as the real element reads them.

const text = { kind: "string" };
const flag = { kind: "boolean" };
const number = { kind: "number" };
const func = { kind: "function" };
const anything = { kind: "anything" };
const choice = (...values) => ({ kind: "choice", values });
const listOf = (of) => ({ kind: "list", of });
const mapOf = (of) => ({ kind: "map", of });
const oneOf = (...options) => ({ kind: "union", options });
const shape = (required, optional = {}) => ({ kind: "shape", required, optional });
const iconOf = (names, lucide) => ({ kind: "icon", names: names.split(" "), lucide });

const ICON = iconOf(
  "agent analytics atom batch bolt book-open book-closed book-clock bug calendar chart check check-circle check-circle-filled chevron-left chevron-right circle-question clock compass confetti cube desktop document dots-horizontal dots-vertical empty-circle external-link globe keys lab images info lifesaver lightbulb mail map-pin maps mobile name notebook notebook-pencil page-blank phone play plus profile profile-card reload star star-filled search sparkle sparkle-double square-code square-image square-text suitcase settings-slider user wreath write write-alt write-alt2",
  true,
);
const HEADER_ICON = iconOf(
  "sidebar-left sidebar-right sidebar-open-left sidebar-open-right sidebar-open-left-alt sidebar-open-right-alt sidebar-floating-left sidebar-floating-right sidebar-floating-open-left sidebar-floating-open-right sidebar-collapse-left sidebar-collapse-right collapse-left collapse-right open-left open-right double-chevron-left double-chevron-right home home-alt back-small back-large expand-large collapse-large expand-small collapse-small star star-filled bug chat-temporary settings-cog grid dots-horizontal dots-vertical dots-horizontal-circle dots-vertical-circle menu menu-inverted hamburger history book-open compose share light-mode dark-mode close",
  false,
);

const COLOR_SCHEME = choice("light", "dark");
const HEADER_ACTION = shape({ icon: HEADER_ICON, onClick: func });
const MESSAGE_CONTENT = oneOf(
  shape({ type: choice("input_text"), text }),
  shape(
    { type: choice("input_tag"), text, id: text },
    { group: text, data: mapOf(anything), interactive: flag },
  ),
);

// What the host page's functions return.
const ENTITY = shape(
  { id: text, title: text },
  { icon: text, interactive: flag, group: text, data: mapOf(text) },
);
const COMMAND = shape({ id: text, label: text }, { description: text, icon: ICON, group: text });
const SELECTION = oneOf(
  choice(undefined),
  shape({ type: choice("entity"), entity: ENTITY }),
  shape({ type: choice("menu"), commands: listOf(COMMAND) }),
);

const OPTIONS = shape(
  {
    api: oneOf(
      shape(
        { url: text, domainKey: text },
        {
          fetch: func,
          uploadStrategy: oneOf(
            shape({ type: choice("two_phase") }),
            shape({ type: choice("direct"), uploadUrl: text }),
          ),
        },
      ),
      shape({ getClientSecret: func }),
    ),
  },
  {
    locale: text,
    theme: oneOf(
      COLOR_SCHEME,
      shape(
        {},
        {
          colorScheme: COLOR_SCHEME,
          typography: shape(
            {},
            {
              baseSize: choice(14, 15, 16, 17, 18),
              fontSources: listOf(
                shape(
                  { family: text, src: text },
                  {
                    weight: oneOf(text, number),
                    style: choice("normal", "italic", "oblique"),
                    display: choice("auto", "block", "swap", "fallback", "optional"),
                    unicodeRange: text,
                  },
                ),
              ),
              fontFamily: text,
              fontFamilyMono: text,
            },
          ),
          radius: choice("pill", "round", "soft", "sharp"),
          density: choice("compact", "normal", "spacious"),
          color: shape(
            {},
            {
              grayscale: shape(
                { hue: number, tint: choice(0, 1, 2, 3, 4, 5, 6, 7, 8, 9) },
                { shade: choice(-4, -3, -2, -1, 0, 1, 2, 3, 4) },
              ),
              accent: shape({ primary: text, level: choice(0, 1, 2, 3) }),
              surface: shape({ background: text, foreground: text }),
            },
          ),
        },
      ),
    ),
    frameTitle: text,
    initialThread: oneOf(text, choice(null)),
    onClientTool: func,
    header: shape(
      {},
      {
        enabled: flag,
        title: shape({}, { enabled: flag, text }),
        leftAction: HEADER_ACTION,
        rightAction: HEADER_ACTION,
      },
    ),
    history: shape({}, { enabled: flag, showDelete: flag, showRename: flag }),
    startScreen: shape(
      {},
      {
        greeting: text,
        prompts: listOf(shape({ label: text, prompt: oneOf(text, listOf(MESSAGE_CONTENT)) }, { icon: ICON })),
      },
    ),
    threadItemActions: shape({}, { feedback: flag, retry: flag }),
    composer: shape(
      {},
      {
        placeholder: text,
        attachments: shape(
          { enabled: flag },
          { maxSize: oneOf(number, mapOf(number)), maxCount: number, accept: mapOf(listOf(text)) },
        ),
        tools: listOf(
          shape(
            { id: text, label: text, icon: ICON },
            { shortLabel: text, placeholderOverride: text, pinned: flag, persistent: flag },
          ),
        ),
        models: listOf(
          shape({ id: text, label: text }, { description: text, disabled: flag, default: flag }),
        ),
        dictation: shape({ enabled: flag }),
      },
    ),
    disclaimer: shape({ text }, { highContrast: flag }),
    entities: shape({}, { onTagSearch: func, showComposerMenu: flag, onClick: func, onRequestPreview: func }),
    commands: shape({ enabled: flag }, { onSearch: func, onSelect: func }),
    widgets: shape({}, { onAction: func }),
    thread: shape({}, { autoScroll: flag }),
  },
);

/** Keys that the real element takes and drops. */
const DROPPED = { threadItemActions: ["share"] };

/** What is wrong with the options, in the real element's words; "" if nothing is. */
function complaints(options) {
  const issues = [];
  checkOption(OPTIONS, options, [], issues);
  const attachments = options?.composer?.attachments;
  if (!issues.length && attachments?.enabled && options.api.uploadStrategy === undefined) {
    issues.push({
      path: [],
      message: "When attachments are enabled, uploadStrategy must be provided in options.api.",
    });
  }
  issues.sort((a, b) => a.path.length - b.path.length);
  return issues
    .map(({ path, message }) => `✖ ${message}${path.length ? `\n  → at ${dotted(path)}` : ""}`)
    .join("\n");
}

/** What a function of the host page gave, told where the types say otherwise. */
function checkReturned(app, name, schema, value) {
  const issues = [];
  checkOption(schema, value, [], issues);
  for (const { path, message } of issues) app.violation(`${name} returned: ${message} at ${dotted(path)}`);
  return issues.length ? undefined : value;
}

function checkOption(schema, value, path, issues) {
  const wrong = (message) => {
    issues.push({ path, message });
  };
  switch (schema.kind) {
    case "anything":
      return;
    case "choice":
      if (!schema.values.includes(value)) wrong("Invalid input");
      return;
    case "icon":
      if (!schema.names.includes(value) && !(schema.lucide && /^lucide:./.test(value)))
        wrong("Invalid input");
      return;
    case "function":
      if (typeof value !== "function") wrong(`Expected function, received ${value}`);
      return;
    case "union":
      if (!schema.options.some((option) => fits(option, value))) wrong("Invalid input");
      return;
    case "list":
      if (!Array.isArray(value)) wrong(expected("array", value));
      else value.forEach((item, index) => checkOption(schema.of, item, [...path, index], issues));
      return;
    case "map":
      if (!isRecord(value)) wrong(expected("record", value));
      else
        for (const [key, item] of Object.entries(value)) checkOption(schema.of, item, [...path, key], issues);
      return;
    case "shape":
      if (!isRecord(value)) wrong(expected("object", value));
      else checkShape(schema, value, path, issues);
      return;
    default:
      if (typeOf(value) !== schema.kind) wrong(expected(schema.kind, value));
  }
}

function checkShape(schema, value, path, issues) {
  for (const [key, rule] of Object.entries(schema.required))
    checkOption(rule, value[key], [...path, key], issues);
  for (const [key, rule] of Object.entries(schema.optional)) {
    if (value[key] !== undefined) checkOption(rule, value[key], [...path, key], issues);
  }
  const known = new Set([
    ...Object.keys(schema.required),
    ...Object.keys(schema.optional),
    ...(DROPPED[path.join(".")] ?? []),
  ]);
  const strange = Object.keys(value).filter((key) => !known.has(key));
  if (strange.length) {
    issues.push({
      path,
      message: `Unrecognized key${strange.length > 1 ? "s" : ""}: ${strange.map((key) => `"${key}"`).join(", ")}`,
    });
  }
}

function fits(schema, value) {
  const issues = [];
  checkOption(schema, value, [], issues);
  return issues.length === 0;
}

const isRecord = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const typeOf = (value) => (value === null ? "null" : Array.isArray(value) ? "array" : typeof value);
const expected = (kind, value) => `Invalid input: expected ${kind}, received ${typeOf(value)}`;
const dotted = (path) =>
  path.reduce((all, key) => (typeof key === "number" ? `${all}[${key}]` : all ? `${all}.${key}` : key), "");

// The one tag that goes into Accept-Language.

const TRANSLATED =
  "am ar bg-BG bn-BD bs-BA ca-ES cs-CZ da-DK de-DE el-GR es-ES es-419 et-EE fi-FI fr-FR fr-CA gu-IN hi-IN hr-HR hu-HU hy-AM id-ID is-IS it-IT ja-JP ka-GE kk kn-IN ko-KR lt lv-LV mk-MK ml mn mr-IN ms-MY my-MM nb-NO nl-NL pa pl-PL pt-BR pt-PT ro-RO ru-RU sk-SK sl-SI so-SO sq-AL sr-RS sv-SE sw-TZ ta-IN te-IN th-TH tl tr-TR uk-UA ur vi-VN zh-CN zh-HK zh-TW".split(
    " ",
  );
const SCRIPTS = { "zh-hans": "zh-CN", "zh-hant": "zh-TW" };

function resolveLocale(wanted) {
  const tag = String(wanted ?? "").toLowerCase();
  const exact = SCRIPTS[tag] ?? TRANSLATED.find((known) => known.toLowerCase() === tag);
  return exact ?? TRANSLATED.find((known) => known.split("-")[0] === tag.split("-")[0]) ?? "en";
}
