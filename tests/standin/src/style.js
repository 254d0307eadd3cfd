// Two sheets, as the real element has two worlds: a <style> in the page, which a CSP may drop,
// and the look inside the frame, which the page's CSP does not reach.

const OUTER_STYLE = `
:host { display: block; position: relative; opacity: 0; }
:host([data-loaded]) { opacity: 1; }
.ck-wrapper { position: absolute; inset: 0; }
.ck-iframe { width: 100%; height: 100%; border: 0; }
`;

const INNER_STYLE = `
:host { display: block; width: 300px; height: 150px; overflow: clip; }
* { box-sizing: border-box; }
[hidden] { display: none !important; }
.ui { --accent: #1f1f1f; --back: #fff; --text: #1c1c1e; --soft: #6e6e76; --line: #e4e4e8; --bubble: #f1f1f4; --size: 16px; --r: 18px; --gap: 16px; --font: system-ui, -apple-system, "Segoe UI", sans-serif;
  position: relative; height: 100%; display: flex; flex-direction: column; background: var(--back); color: var(--text); font: var(--size)/1.5 var(--font); color-scheme: light; --on-accent: #fff; }
.ui[data-theme=dark] { --accent: #f2f2f4; --on-accent: #111; --back: #1b1b1e; --text: #f2f2f4; --soft: #a3a3ad; --line: #36363c; --bubble: #2c2c31; color-scheme: dark; }
.ui[data-radius=sharp] { --r: 2px; } .ui[data-radius=soft] { --r: 8px; } .ui[data-radius=round] { --r: 14px; } .ui[data-radius=pill] { --r: 22px; }
.ui[data-density=compact] { --gap: 10px; } .ui[data-density=spacious] { --gap: 22px; }
button, input, select, textarea { font: inherit; color: inherit; }
button { cursor: pointer; } button:disabled { cursor: default; opacity: .4; }
:focus-visible { outline: 2px solid color-mix(in srgb, var(--accent) 60%, transparent); outline-offset: 2px; }
.header { display: flex; align-items: center; gap: 4px; padding: 8px 12px; min-height: 52px; border-bottom: 1px solid var(--line); }
.thread-title { flex: 1; margin: 0 4px; font-size: 1em; font-weight: 600; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.icon-button { display: inline-grid; place-items: center; width: 34px; height: 34px; padding: 0; border: 0; border-radius: 10px; background: none; color: var(--soft); flex: none; }
.icon-button:hover:not(:disabled) { background: var(--bubble); color: var(--text); } .icon-button[aria-pressed=true] { color: var(--accent); background: var(--bubble); }
.icon-button[data-primary] { background: var(--accent); color: var(--on-accent); border-radius: 50%; } .icon-button[data-primary]:hover:not(:disabled) { background: var(--accent); color: var(--on-accent); opacity: .85; }
.main { flex: 1; overflow-y: auto; padding: var(--gap); min-height: 0; }
.log { max-width: 720px; min-height: 100%; margin: 0 auto; display: flex; flex-direction: column; gap: var(--gap); }
.start { margin: auto 0 0; } .start h2 { font-size: 1.6em; line-height: 1.25; font-weight: 600; margin: 0 0 20px; }
.prompts { display: flex; flex-direction: column; align-items: flex-start; gap: 2px; }
.prompt { display: flex; align-items: center; gap: 12px; padding: 9px 12px; margin-left: -12px; border: 0; border-radius: 12px; background: none; text-align: left; } .prompt:hover { background: var(--bubble); } .prompt svg { color: var(--soft); }
article { display: flex; flex-direction: column; gap: 8px; min-width: 0; overflow-wrap: anywhere; }
article[data-thread-turn=user] { align-items: flex-end; } article[data-thread-turn=user] .item { max-width: 85%; display: flex; flex-direction: column; align-items: flex-end; gap: 6px; }
.bubble { background: var(--bubble); border-radius: var(--r); padding: 9px 16px; white-space: pre-wrap; }
.hidden-label { position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.text p, .text ul, .text ol, .text pre, .text table, .text blockquote { margin: 0 0 10px; } .text > :last-child { margin-bottom: 0; }
.text h3, .text h4, .text h5, .text h6 { margin: 14px 0 6px; font-size: 1.08em; }
pre { background: var(--bubble); padding: 12px 14px; border-radius: 10px; overflow-x: auto; font-size: .88em; } code { font-family: ui-monospace, monospace; } :not(pre) > code { background: var(--bubble); border-radius: 5px; padding: 1px 5px; font-size: .9em; }
table { border-collapse: collapse; } th, td { border-bottom: 1px solid var(--line); padding: 4px 12px 4px 0; text-align: left; }
blockquote { margin: 0; padding-left: 12px; border-left: 3px solid var(--line); color: var(--soft); } .quoted { font-size: .9em; }
.link { display: inline; padding: 0; border: 0; background: none; color: #0a63c9; text-decoration: underline; text-underline-offset: 2px; text-align: left; } .ui[data-theme=dark] .link { color: #7db7ff; }
.actions { display: flex; margin-left: -8px; } .actions .icon-button { width: 30px; height: 30px; }
.mark { font-size: .7em; background: var(--bubble); border-radius: 8px; padding: 1px 5px; margin-left: 3px; }
.sources { list-style: none; display: flex; flex-wrap: wrap; gap: 6px; margin: 8px 0 0; padding: 0; font-size: .85em; } .sources li { display: flex; gap: 6px; align-items: center; border: 1px solid var(--line); border-radius: 999px; padding: 2px 10px; } .sources .number { color: var(--soft); }
.entity { border: 0; padding: 1px 7px; border-radius: 8px; background: color-mix(in srgb, #3a7bd5 18%, transparent); color: inherit; font: inherit; }
.preview { position: absolute; z-index: 5; max-width: 320px; background: var(--back); border: 1px solid var(--line); border-radius: 12px; box-shadow: 0 8px 24px #0003; }
.file, .upload, .query { display: inline-flex; align-items: center; gap: 6px; border: 1px solid var(--line); border-radius: 10px; padding: 4px 10px; font-size: .88em; } .preview-image { max-width: 220px; max-height: 180px; border-radius: 12px; border: 1px solid var(--line); }
.attachments { display: flex; flex-wrap: wrap; gap: 6px; justify-content: flex-end; }
.generated { max-width: 320px; border-radius: 14px; image-rendering: auto; min-width: 32px; } .generated.loading { padding: 40px; background: var(--bubble); color: var(--soft); }
.dots { display: flex; gap: 5px; padding: 8px 0; } .dots i { width: 7px; height: 7px; border-radius: 50%; background: var(--soft); animation: blink 1.2s infinite; } .dots i:nth-child(2) { animation-delay: .2s; } .dots i:nth-child(3) { animation-delay: .4s; }
@keyframes blink { 50% { opacity: .2; } } @media (prefers-reduced-motion: reduce) { .dots i { animation: none; } }
.progress { display: flex; align-items: center; gap: 8px; color: var(--soft); }
.error { display: flex; align-items: center; justify-content: space-between; gap: 12px; padding: 10px 14px; border-radius: 14px; background: color-mix(in srgb, #d33 12%, transparent); border: 1px solid color-mix(in srgb, #d33 35%, transparent); }
.notice { padding: 10px 14px; border-radius: 14px; border: 1px solid var(--line); background: var(--bubble); } .notice > strong { display: block; } .notice p { margin: 0; } .notice[data-level=warning] { border-color: #c90; } .notice[data-level=danger] { border-color: #d33; }
.boundary { margin: auto; text-align: center; padding: 40px; }
.workflow summary, .questions summary { cursor: pointer; color: var(--soft); } .workflow summary svg { vertical-align: -4px; margin-right: 6px; } .tasks { list-style: none; margin: 8px 0 0 4px; padding: 0 0 0 14px; border-left: 2px solid var(--line); display: grid; gap: 8px; } .task { display: flex; gap: 8px; font-size: .92em; } .task svg { margin-top: 3px; color: var(--soft); } .task > div > strong { display: block; font-weight: 500; } .task .text { color: var(--soft); }
.questions dt { font-weight: 500; margin-top: 6px; } .questions dd { margin: 0; color: var(--soft); }
.footer { padding: 0 var(--gap) 8px; } .footer > * { max-width: 720px; margin-inline: auto; }
.composer, .questions-panel { position: relative; border: 1px solid var(--line); border-radius: var(--r); padding: 8px; background: var(--back); box-shadow: 0 2px 10px #0000000f; } .composer:focus-within { border-color: color-mix(in srgb, var(--accent) 40%, var(--line)); }
.editor { min-height: 38px; max-height: 180px; overflow-y: auto; padding: 7px 10px; outline: 0; white-space: pre-wrap; overflow-wrap: anywhere; } .editor:empty::before { content: attr(data-placeholder); color: var(--soft); pointer-events: none; } .editor[aria-disabled=true] { cursor: not-allowed; }
.composer-bar { display: flex; justify-content: space-between; align-items: center; } .tools { display: flex; align-items: center; gap: 4px; position: relative; }
.uploads { display: flex; flex-wrap: wrap; gap: 6px; } .uploads:not(:empty) { padding: 4px 6px 0; } .upload .icon-button { width: 22px; height: 22px; } .upload[data-state=uploading] { opacity: .55; }
.tool { display: inline-flex; align-items: center; gap: 6px; border: 1px solid var(--line); border-radius: 999px; background: none; padding: 3px 10px; font-size: .88em; } .tool[aria-pressed=true] { background: color-mix(in srgb, var(--accent) 14%, transparent); }
.model { border: 0; background: var(--back); color: var(--soft); font-size: .88em; max-width: 160px; }
.menu { position: absolute; bottom: calc(100% + 6px); left: 0; z-index: 4; min-width: 220px; max-height: 260px; overflow-y: auto; padding: 6px; background: var(--back); border: 1px solid var(--line); border-radius: 14px; box-shadow: 0 8px 28px #0003; } .menu-item { display: flex; width: 100%; align-items: center; gap: 8px; border: 0; background: none; padding: 7px 10px; border-radius: 9px; text-align: left; cursor: pointer; } .menu-item:hover, .menu-item[aria-selected=true], .menu-item[aria-checked=true] { background: var(--bubble); } .menu-item small, .menu-group { color: var(--soft); } .menu-group { font-size: .78em; padding: 6px 10px 2px; }
.closed { text-align: center; color: var(--soft); background: var(--bubble); border-radius: var(--r); padding: 14px; }
.disclaimer { text-align: center; font-size: .78em; color: var(--soft); margin-top: 6px; } .disclaimer[data-contrast] { color: var(--text); } .disclaimer p { margin: 0; }
.stand-in { text-align: center; font-size: 11px; line-height: 1.3; color: var(--soft); margin: 6px auto 0; letter-spacing: .02em; }
.questions-head { display: flex; justify-content: space-between; color: var(--soft); font-size: .85em; padding: 4px 8px; } .question { font-weight: 600; margin: 0 8px 8px; } .questions-panel .caption { margin: 0 8px 8px; } .choices { display: grid; gap: 2px; margin-bottom: 6px; } .questions-panel .check { padding: 6px 8px; border-radius: 10px; } .questions-panel .check:hover { background: var(--bubble); } textarea, .field:not([type=checkbox]), select.field { border: 1px solid var(--line); border-radius: 10px; padding: 7px 10px; background: var(--back); width: 100%; } .check { display: flex; gap: 8px; align-items: center; } .radios { border: 0; padding: 0; margin: 0; } .caption { color: var(--soft); }
.card-actions { display: flex; justify-content: flex-end; gap: 8px; margin-top: 10px; }
.button { display: inline-flex; align-items: center; justify-content: center; gap: 6px; border: 1px solid var(--line); border-radius: 999px; padding: 5px 14px; background: var(--back); font-size: .92em; } .button.primary { background: var(--accent); color: var(--on-accent); border-color: transparent; } .button[data-block] { width: 100%; } .card-body > .button:not([data-block]), .col > .button:not([data-block]) { align-self: flex-start; } .loading { opacity: .5; }
.widget { max-width: 520px; } .card, .list-view { border: 1px solid var(--line); border-radius: 16px; padding: 16px; background: var(--back); } .card.sm { max-width: 360px; } .card.full, .card.lg { max-width: none; } .card-body { display: flex; flex-direction: column; gap: 10px; } .card hr, .text hr { width: 100%; border: 0; border-top: 1px solid var(--line); margin: 4px 0; } .widget p { margin: 0; } .list-view { padding: 6px; } .list-row { display: block; width: 100%; border: 0; background: none; text-align: left; padding: 10px; border-radius: 11px; } button.list-row:hover { background: var(--bubble); } .list-row-body, .row { display: flex; align-items: center; gap: 8px; } .col, .basic { display: flex; flex-direction: column; gap: 8px; } .spacer { flex: 1; } .title { font-size: 1.12em; } .status { display: flex; gap: 6px; color: var(--soft); font-size: .85em; padding: 4px 4px 8px; } .image { max-width: 100%; border-radius: 10px; } .unsupported { border: 1px dashed #c22; color: #c22; padding: 4px 8px; border-radius: 6px; }
.badge { display: inline-block; font-size: .78em; padding: 1px 9px; border-radius: 999px; background: var(--bubble); } .badge[data-color=success] { background: #d7f3df; color: #14532d; } .badge[data-color=danger] { background: #fde0e0; color: #7f1d1d; } .badge[data-color=warning] { background: #fdf0cf; color: #713f12; } .badge[data-color=info], .badge[data-color=discovery] { background: #dceafd; color: #1e3a8a; }
.history, .backdrop { position: absolute; inset: 0; z-index: 6; } .history { background: var(--back); overflow-y: auto; padding: 8px 12px; } .history-head { display: flex; align-items: center; justify-content: space-between; } .history-head h2 { font-size: 1em; margin: 8px 4px; } .history ul { list-style: none; margin: 0; padding: 0; } .history-row { display: flex; align-items: center; border-radius: 11px; padding-right: 4px; } .history-row:hover, .history-row[aria-current] { background: var(--bubble); } .history-open { flex: 1; min-width: 0; border: 0; background: none; text-align: left; padding: 10px 12px; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; } .history > .caption { padding: 4px; }
.backdrop { z-index: 8; display: grid; place-items: center; background: #0006; } .dialog { width: min(360px, 90%); background: var(--back); border-radius: 18px; padding: 20px; box-shadow: 0 20px 60px #0005; } .dialog h2 { font-size: 1.05em; margin: 0 0 10px; } .dialog p { margin: 0; color: var(--soft); }
.toasts { position: absolute; top: 60px; left: 0; right: 0; z-index: 9; display: grid; justify-items: center; gap: 6px; pointer-events: none; } .toast { background: #222; color: #fff; border-radius: 12px; padding: 8px 14px; font-size: .9em; max-width: 90%; }
`;

const INNER_SHEET = new CSSStyleSheet();
INNER_SHEET.replaceSync(INNER_STYLE);
