// A few line drawings of our own; any other name gets a dot that carries the name in `data-icon`.

const ICON_PATHS = {
  history: "M4 12a8 8 0 1 0 3-6.2M4 4v4h4M12 8v4l3 2",
  compose: "M13 5H6a2 2 0 0 0-2 2v11a2 2 0 0 0 2 2h11a2 2 0 0 0 2-2v-7M18 3l3 3-8 8H10v-3z",
  plus: "M12 5v14M5 12h14",
  send: "M12 19V6M6 11l6-6 6 6",
  stop: "M7 7h10v10H7z",
  "thumbs-up":
    "M8 11v9H4v-9zM8 11l4-8c2 0 2.500 1.500 2 3l-1 4h5c1.500 0 2.300 1 2 2.500l-1.300 6c-.3 1-1 1.500-2 1.500H8",
  "thumbs-down":
    "M16 13V4h4v9zM16 13l-4 8c-2 0-2.500-1.500-2-3l1-4H6c-1.500 0-2.300-1-2-2.500l1.300-6C5.600 4.500 6.300 4 7.300 4H16",
  reload: "M19 12a7 7 0 1 1-2-5M19 4v4h-4",
  mic: "M12 4a2.500 2.500 0 0 1 2.500 2.500v4a2.500 2.500 0 0 1-5 0v-4A2.500 2.500 0 0 1 12 4zM6 11a6 6 0 0 0 12 0M12 17v4",
  close: "M6 6l12 12M18 6 6 18",
  pencil: "M4 20l1-4L16 5l3 3L8 19z",
  trash: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13",
  check: "M5 12l5 5 9-10",
  search: "M11 5a6 6 0 1 0 0 12 6 6 0 0 0 0-12zM16 16l4 4",
  document: "M7 3h7l4 4v14H7zM14 3v4h4",
  globe: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zM4 12h16M12 4c3 3 3 13 0 16M12 4c-3 3-3 13 0 16",
  sparkle: "M12 4l2 6 6 2-6 2-2 6-2-6-6-2 6-2z",
  "square-image": "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4",
  paperclip: "M8 12l6-6a3 3 0 0 1 4 4l-8 8a5 5 0 0 1-7-7l7-7",
  chevron: "M7 10l5 5 5-5",
  menu: "M4 7h16M4 12h16M4 17h16",
  home: "M4 11l8-7 8 7v9h-5v-6H9v6H4z",
  info: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zM12 11v5M12 8v.5",
  "settings-slider": "M4 8h9M17 8h3M15 6v4M4 16h3M11 16h9M9 14v4",
  lightbulb:
    "M9 18h6M10 21h4M8.500 14.500a5.500 5.500 0 1 1 7 0c-.5.500-.700 1-.700 2h-5.600c0-1-.2-1.500-.7-2z",
  user: "M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM4 20c1-4 4-6 8-6s7 2 8 6",
  mail: "M4 6h16v12H4zM4 7l8 6 8-6",
  calendar: "M4 6h16v14H4zM4 10h16M8 3v4M16 3v4",
  bolt: "M13 3 5 14h6l-1 7 8-11h-6z",
  cube: "M12 3l8 4v10l-8 4-8-4V7zM4 7l8 4 8-4M12 11v10",
  phone: "M6 3h4l2 5-2 2c1 2 2 3 4 4l2-2 5 2v4c-9 2-17-6-15-15z",
  suitcase: "M4 8h16v11H4zM9 8V5h6v3M4 13h16",
  "map-pin": "M12 21c-4-5-6-8-6-11a6 6 0 0 1 12 0c0 3-2 6-6 11zM12 8a2 2 0 1 0 0 4 2 2 0 0 0 0-4z",
  "dots-horizontal": "M6 12h.01M12 12h.01M18 12h.01",
  at: "M15 12a3 3 0 1 1-6 0 3 3 0 0 1 6 0zM15 9v4a2 2 0 0 0 4 0v-1a7 7 0 1 0-3 6",
  star: "M12 4l2.500 5 5.500.800-4 4 1 5.700-5-2.700-5 2.700 1-5.700-4-4 5.500-.800z",
};

const ICON_ALIASES = {
  write: "pencil",
  "write-alt": "pencil",
  "write-alt2": "pencil",
  "sparkle-double": "sparkle",
  images: "square-image",
  hamburger: "menu",
  "sidebar-left": "menu",
  "home-alt": "home",
  "circle-question": "info",
  lifesaver: "info",
  profile: "user",
  "profile-card": "user",
  clock: "history",
  "book-open": "document",
  "star-filled": "star",
  "check-circle": "check",
  "check-circle-filled": "check",
  notebook: "document",
  "page-blank": "document",
  "square-text": "document",
  "external-link": "globe",
};

/** @returns {any} */
function drawIcon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  for (const [key, value] of Object.entries({
    viewBox: "0 0 24 24",
    width: "18",
    height: "18",
    fill: "none",
    stroke: "currentColor",
    "stroke-width": "1.7",
    "stroke-linecap": "round",
    "stroke-linejoin": "round",
    "aria-hidden": "true",
    "data-icon": name,
  })) {
    svg.setAttribute(key, value);
  }
  path.setAttribute("d", ICON_PATHS[ICON_ALIASES[name] ?? name] ?? "M12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6z");
  svg.append(path);
  return svg;
}
