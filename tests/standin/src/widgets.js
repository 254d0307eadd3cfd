// Widgets as a plain tree: readable and usable, not beautiful. What is not known here says so.

/** Each drawer gets (component, context); a context is { app, item, form }. */
const WIDGET_DRAWERS = {
  Card: drawCard,
  ListView: (list, context) => [
    drawStatus(list),
    h(
      "div.list-view",
      {},
      list.children.slice(0, Number(list.limit) || undefined).map((row) => drawComponent(row, context)),
    ),
  ],
  ListViewItem: drawListRow,
  Basic: (root, context) => h("div.basic", { css: boxStyle(root) }, drawChildren(root, context)),
  Box: drawBox,
  Row: drawBox,
  Col: drawBox,
  Form: drawForm,
  Transition: (transition, context) => drawChildren(transition, context),
  Spacer: () => h("div.spacer"),
  Divider: () => h("hr"),
  Text: drawText,
  Title: (title) => h("strong.title", { css: textStyle(title), "data-size": title.size }, title.value),
  Caption: (caption) => h("small.caption", { css: textStyle(caption) }, caption.value),
  Label: (label) => h("label.label", { for: `f-${label.fieldName}`, css: textStyle(label) }, label.value),
  Markdown: (markdown, { app }) => h("div.text", {}, drawMarkdown(markdown.value, app)),
  Badge: (badge) => h("span.badge", { "data-color": badge.color ?? "secondary" }, badge.label),
  Icon: (icon) => drawIcon(icon.name),
  Image: (image) => h("img.image", { src: image.src, alt: image.alt ?? "", css: boxStyle(image) }),
  Button: drawButton,
  Input: (input, context) =>
    drawField(
      input,
      context,
      h("input", {
        type: input.inputType ?? "text",
        value: input.defaultValue ?? "",
        placeholder: input.placeholder,
        required: input.required,
        pattern: input.pattern,
        disabled: input.disabled,
      }),
    ),
  Textarea: (area, context) =>
    drawField(
      area,
      context,
      h("textarea", {
        rows: area.rows ?? 3,
        value: area.defaultValue ?? "",
        placeholder: area.placeholder,
        required: area.required,
        disabled: area.disabled,
      }),
    ),
  Select: drawSelect,
  DatePicker: (picker, context) =>
    drawField(
      picker,
      context,
      h("input", {
        type: "date",
        value: (picker.defaultValue ?? "").slice(0, 10),
        min: picker.min?.slice(0, 10),
        max: picker.max?.slice(0, 10),
        disabled: picker.disabled,
      }),
    ),
  Checkbox: (box, context) =>
    h(
      "label.check",
      {},
      drawField(
        box,
        context,
        h("input", {
          type: "checkbox",
          checked: box.defaultChecked,
          required: box.required,
          disabled: box.disabled,
        }),
      ),
      box.label,
    ),
  RadioGroup: drawRadios,
  Table: (table, context) => h("table", {}, h("tbody", {}, drawChildren(table, context))),
  "Table.Row": (row, context) => h("tr", { "data-header": row.header }, drawChildren(row, context)),
  "Table.Cell": (cell, context) =>
    h("td", { colspan: cell.colSpan, rowspan: cell.rowSpan }, drawChildren(cell, context)),
  Chart: drawChart,
};

/** @returns {any} */
function drawWidget(app, root, item) {
  return h(
    "div.widget",
    { "data-widget": root?.type, "data-theme": root?.theme },
    drawComponent(root, { app, item, form: null }),
  );
}

function drawComponent(component, context) {
  if (component === null || component === undefined || component === false) return null;
  const draw = Object.hasOwn(WIDGET_DRAWERS, component.type ?? "") ? WIDGET_DRAWERS[component.type] : null;
  if (!draw) {
    context.app.violation(`widget component ${component.type} is unknown`);
    return h(
      "div.unsupported",
      { "data-unsupported": component.type ?? "" },
      `[${component.type}]`,
      drawChildren(component, context),
    );
  }
  const node = draw(component, context);
  if (node instanceof Element) {
    node.setAttribute("data-component", component.type);
    if (component.id) node.setAttribute("data-component-id", component.id);
  }
  return node;
}

function drawChildren(component, context) {
  return [component.children ?? []].flat().map((child) => drawComponent(child, context));
}

function drawCard(card, context) {
  const form = card.asForm ? h("form", { onsubmit: (event) => event.preventDefault() }) : h("div");
  const inside = { ...context, form: card.asForm ? form : context.form };
  const action = (choice, style) =>
    choice &&
    h(
      `button.button.${style}`,
      {
        type: "button",
        onclick: (event) => act(choice.action, inside, event.currentTarget),
      },
      choice.label,
    );
  form.className = `card ${card.size ?? "md"}`;
  append(form, [
    drawStatus(card),
    h("div.card-body", {}, drawChildren(card, inside)),
    (card.confirm || card.cancel) &&
      h("div.card-actions", {}, action(card.cancel, "secondary"), action(card.confirm, "primary")),
  ]);
  return form;
}

const drawStatus = ({ status }) =>
  status && h("div.status", { role: "status" }, status.icon && drawIcon(status.icon), status.text);

function drawListRow(row, context) {
  const children = h("div.list-row-body", {}, drawChildren(row, context));
  if (!row.onClickAction) return h("div.list-row", {}, children);
  return h(
    "button.list-row",
    { type: "button", onclick: (event) => act(row.onClickAction, context, event.currentTarget) },
    children,
  );
}

function drawBox(box, context) {
  const across = box.type === "Row" || (box.type === "Box" && box.direction === "row");
  return h(across ? "div.row" : "div.col", { css: boxStyle(box) }, drawChildren(box, context));
}

function drawForm(form, context) {
  const node = h("form.col", {
    css: boxStyle(form),
    onsubmit: (event) => {
      event.preventDefault();
      if (form.onSubmitAction) act(form.onSubmitAction, { ...context, form: node }, event.submitter ?? node);
    },
  });
  append(node, drawChildren(form, { ...context, form: node }));
  return node;
}

function drawText(component, context) {
  if (!component.editable)
    return h(
      "p.value",
      { css: textStyle(component), "data-streaming": component.streaming },
      component.value,
    );
  const { name, placeholder, required, pattern } = component.editable;
  return drawField(
    { ...component, name },
    context,
    h("input", { type: "text", value: component.value, placeholder, required, pattern }),
  );
}

function drawButton(button, context) {
  const style = button.style === "primary" || button.color === "primary" ? "primary" : "secondary";
  return h(
    `button.button.${style}`,
    {
      type: button.submit ? "submit" : "button",
      disabled: button.disabled,
      "data-block": button.block,
      "data-color": button.color,
      onclick: button.onClickAction && ((event) => act(button.onClickAction, context, event.currentTarget)),
    },
    button.iconStart && drawIcon(button.iconStart),
    button.label,
    button.iconEnd && drawIcon(button.iconEnd),
  );
}

/** A control with its name; a change of it may be an action. */
function drawField(field, context, control) {
  control.setAttribute("name", field.name);
  control.id = `f-${field.name}`;
  control.classList.add("field");
  if (field.onChangeAction) {
    control.addEventListener("change", () => {
      const value = control.type === "checkbox" ? control.checked : control.value;
      act(withPayload(field.onChangeAction, nested({ [field.name]: value })), context, control);
    });
  }
  return control;
}

function drawSelect(select, context) {
  const options = select.options.map(({ value, label, disabled }) =>
    h("option", { value, disabled, selected: value === select.defaultValue }, label),
  );
  const empty =
    select.placeholder || select.clearable ? h("option", { value: "" }, select.placeholder ?? "") : null;
  return drawField(select, context, h("select", { disabled: select.disabled }, empty, options));
}

function drawRadios(group, context) {
  return h(
    "fieldset.radios",
    { "aria-label": group.ariaLabel, disabled: group.disabled },
    (group.options ?? []).map((option) => {
      const control = h("input", {
        type: "radio",
        name: group.name,
        value: option.value,
        checked: option.value === group.defaultValue,
        disabled: option.disabled,
      });
      control.addEventListener("change", () => {
        if (group.onChangeAction)
          act(withPayload(group.onChangeAction, nested({ [group.name]: option.value })), context, control);
      });
      return h("label.check", {}, control, option.label);
    }),
  );
}

/** The figures of a chart as a table. */
function drawChart(chart) {
  const key = typeof chart.xAxis === "string" ? chart.xAxis : chart.xAxis.dataKey;
  return h(
    "table.chart",
    {},
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        [key, ...chart.series.map(({ label, dataKey }) => label ?? dataKey)].map((name) => h("th", {}, name)),
      ),
    ),
    h(
      "tbody",
      {},
      chart.data.map((row) =>
        h(
          "tr",
          {},
          [key, ...chart.series.map(({ dataKey }) => dataKey)].map((name) =>
            h("td", {}, `${row[name] ?? ""}`),
          ),
        ),
      ),
    ),
  );
}

// Actions

/** Does what an ActionConfig says; what is in the form around it goes along. */
async function act(config, { app, item, form }, control) {
  if (form && !form.reportValidity()) return;
  const filled = form ? withPayload(config, formValues(form)) : config;
  const action = "payload" in filled ? { type: filled.type, payload: filled.payload } : { type: filled.type };
  control.classList.add("loading");
  try {
    if (config.handler === "client")
      await app.options.widgets?.onAction?.(action, { id: item.id, widget: item.widget });
    else if (config.streaming === false) await app.syncAction(action, item.id);
    else await app.widgetAction(action, item.id);
  } finally {
    control.classList.remove("loading");
  }
}

const withPayload = (config, more) => ({
  ...config,
  payload: { ...(isRecord(config.payload) ? config.payload : {}), ...more },
});

function formValues(form) {
  const values = {};
  for (const control of form.querySelectorAll("[name]")) {
    if (control.type === "radio" && !control.checked) continue;
    values[control.name] = control.type === "checkbox" ? control.checked : control.value;
  }
  return nested(values);
}

/** {"todo.title": 1} is {todo: {title: 1}}. */
function nested(values) {
  const result = {};
  for (const [name, value] of Object.entries(values)) {
    const keys = name.split(".");
    const last = keys.pop() ?? name;
    keys.reduce((inside, key) => (inside[key] ??= {}), result)[last] = value;
  }
  return result;
}

// Looks: through the CSSOM, which a CSP does not stop.

const ALIGN = {
  start: "flex-start",
  end: "flex-end",
  between: "space-between",
  around: "space-around",
  evenly: "space-evenly",
};
const cssLength = (value, unit) =>
  typeof value === "number" ? `${value * unit}px` : typeof value === "string" ? value : "";

function boxStyle(box) {
  return {
    gap: cssLength(box.gap, 4),
    padding: isRecord(box.padding) ? "" : cssLength(box.padding, 4),
    alignItems: ALIGN[box.align] ?? box.align ?? "",
    justifyContent: ALIGN[box.justify] ?? box.justify ?? "",
    flexWrap: box.wrap ?? "",
    flex: box.flex === undefined || box.flex === null ? "" : String(box.flex),
    width: cssLength(box.width ?? box.size, 1),
    height: cssLength(box.height ?? box.size, 1),
    maxWidth: cssLength(box.maxWidth ?? box.maxSize, 1),
    background: typeof box.background === "string" && !box.background.includes("-") ? box.background : "",
  };
}

const WEIGHTS = { normal: "400", medium: "500", semibold: "600", bold: "700" };
const COLORS = {
  secondary: "var(--soft)",
  tertiary: "var(--soft)",
  success: "#16803c",
  danger: "#c22",
  warning: "#a60",
  emphasis: "var(--text)",
};

function textStyle(text) {
  return {
    fontWeight: WEIGHTS[text.weight] ?? "",
    textAlign: text.textAlign ?? "",
    color:
      COLORS[text.color] ??
      (isRecord(text.color) ? `light-dark(${text.color.light}, ${text.color.dark})` : ""),
    fontStyle: text.italic ? "italic" : "",
    textDecoration: text.lineThrough ? "line-through" : "",
  };
}
