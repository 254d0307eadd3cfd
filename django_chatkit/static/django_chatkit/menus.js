"use strict";
/**
 * What `@` and `/` offer in the composer: Django's objects, and the commands of the server class.
 *
 * @typedef {import("@openai/chatkit").Entity} Entity
 * @typedef {import("@openai/chatkit").Command} Command
 * @typedef {import("@openai/chatkit").UserMessageContent} Part
 * @typedef {NonNullable<ChatKitOptions["entities"]>} Mentions
 * @typedef {object} Effect what a command does: one of these, or a prompt with tool and model
 * @property {OurCommand[]} [commands]
 * @property {Entity} [entity]
 * @property {{type: string, payload: Record<string, unknown>}} [action]
 * @property {string | Part[]} [prompt]
 * @property {boolean} [send]
 * @property {string} [tool]
 * @property {string} [model]
 * @typedef {Command & {does: Effect}} OurCommand
 * @typedef {{page: string | null, language: string | null, entitiesUrl: string | null, commands: OurCommand[]}} Menus
 * @typedef {{element: OpenAIChatKit, options: ChatKitOptions}} Detail
 */
(() => {
  const LOADED = Symbol.for("django-chatkit-menus");
  const PAUSE = 150;
  const MAX_QUERY = 100;

  // A swap brought this script a second time.
  if (LOADED in window) return;
  Object.assign(window, { [LOADED]: true });

  // In the capture phase, so that the page's own listeners come later and have the last word.
  document.addEventListener(
    "chatkit:options",
    (event) => {
      const { detail, target } = /** @type {CustomEvent<Detail>} */ (event);
      const data = /** @type {Element} */ (target).querySelector("script[type='application/json']");
      const config = /** @type {Menus} */ (JSON.parse(data?.textContent ?? "{}"));
      const { element, options } = detail;
      if (config.entitiesUrl && options.entities)
        options.entities = { ...createMentions(config, config.entitiesUrl), ...options.entities };
      if (config.commands?.length && options.commands?.enabled)
        options.commands = { ...createCommands(config.commands, element), ...options.commands };
    },
    { capture: true },
  );

  // Chats that were there before this script: a swap runs scripts when they come.
  customElements.whenDefined("django-chatkit").then(() => {
    /** @type {NodeListOf<HTMLElement & {update: () => void}>} */
    const chats = document.querySelectorAll("django-chatkit");
    for (const chat of chats) chat.update();
  });

  // Mentions

  /** @param {Menus} config @param {string} url @returns {Mentions} */
  function createMentions(config, url) {
    const ask = createAsk(config);
    /** @type {AbortController | undefined} */
    let running;
    return {
      onTagSearch: async (query) => {
        running?.abort();
        running = new AbortController();
        const { signal } = running;
        await new Promise((resolve) => setTimeout(resolve, query ? PAUSE : 0));
        if (signal.aborted || query.length > MAX_QUERY) return [];
        const found = await ask(url, { q: query }, signal);
        return Array.isArray(found) ? found : [];
      },
      onRequestPreview: async ({ id }) => ({
        preview: (await ask(`${url}entity/`, { id }))?.preview ?? null,
      }),
      onClick: async ({ id }) => open((await ask(`${url}entity/`, { id }))?.url),
    };
  }

  /** A function that gets JSON. Nothing that goes wrong reaches the component. @param {Menus} config */
  function createAsk({ page, language }) {
    const headers = new Headers(page ? { "X-ChatKit-Page": page } : {});
    if (language) headers.set("X-ChatKit-Language", language);
    /** @param {string} url @param {Record<string, string>} query @param {AbortSignal} [signal] @returns {Promise<any>} */
    return async (url, query, signal = undefined) => {
      try {
        const address = `${url}?${new URLSearchParams(query)}`;
        const response = await fetch(address, {
          headers,
          signal,
          credentials: "same-origin",
          redirect: "error",
        });
        if (response.ok) return await response.json();
        console.warn(`django_chatkit: ${url} answers ${response.status}.`);
      } catch (error) {
        if (!signal?.aborted) console.warn("django_chatkit: a mention could not be looked up.", error);
      }
      return undefined;
    };
  }

  /** @param {unknown} url */
  function open(url) {
    if (typeof url !== "string" || !url || !URL.canParse(url, document.baseURI)) return;
    const address = new URL(url, document.baseURI);
    if (/^https?:$/.test(address.protocol)) location.assign(address);
  }

  // Commands

  /** @param {OurCommand[]} commands @param {OpenAIChatKit} chat */
  function createCommands(commands, chat) {
    const effects = new Map(flatten(commands).map(({ id, does }) => [id, does]));
    return {
      /** @param {string} query */
      onSearch: async (query) => commands.filter((command) => fits(command, query)).map(bare),
      /** @param {Command} command @returns {ReturnType<NonNullable<NonNullable<ChatKitOptions["commands"]>["onSelect"]>>} */
      onSelect: async ({ id }) => {
        const does = effects.get(id);
        if (does?.entity) return { type: "entity", entity: does.entity };
        if (does?.commands) return { type: "menu", commands: does.commands.map(bare) };
        // Afterwards, when the component has taken away what was typed to find the command.
        if (does) setTimeout(() => carryOut(does, chat).catch(console.warn));
        return undefined;
      },
    };
  }

  /** @param {OurCommand[]} commands @returns {OurCommand[]} */
  function flatten(commands) {
    return commands.flatMap((command) => [command, ...flatten(command.does.commands ?? [])]);
  }

  /** What ChatKit takes, which is strict. @param {OurCommand} command @returns {Command} */
  function bare({ does, ...command }) {
    return command;
  }

  /** @param {Command} command @param {string} query */
  function fits({ id, label, description = "" }, query) {
    const text = `${id} ${label} ${description}`.toLowerCase();
    return query
      .toLowerCase()
      .split(/\s+/)
      .every((word) => text.includes(word));
  }

  /** @param {Effect} does @param {OpenAIChatKit} chat */
  async function carryOut({ action, prompt, send, tool, model }, chat) {
    const written = typeof prompt === "string" ? { text: prompt } : prompt && { content: prompt };
    if (action) {
      await chat.sendCustomAction(action);
    } else if (send && written) {
      await chat.sendUserMessage({
        ...written,
        ...(tool && { toolChoice: { id: tool } }),
        ...(model && { model }),
      });
    } else {
      const chosen = { ...(tool && { selectedToolId: tool }), ...(model && { selectedModelId: model }) };
      await chat.setComposerValue({ ...written, ...chosen });
      await chat.focusComposer();
    }
  }
})();
