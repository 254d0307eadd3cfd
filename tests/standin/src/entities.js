// @-mentions and sources: what can be clicked, and previewed while the pointer rests on it.

/** A chip. `entity` is what the host page gets to see when it is clicked. */
function drawEntity(app, entity, label = entity.title) {
  const options = app.options.entities ?? {};
  if (!entity.interactive) return h("span.entity", { "data-entity": entity.id }, label);
  return h(
    "button.entity",
    {
      type: "button",
      "data-entity": entity.id,
      onclick: () => options.onClick?.(entity),
      onmouseenter: (event) => showPreview(app, entity, event.currentTarget),
      onfocus: (event) => showPreview(app, entity, event.currentTarget),
      onmouseleave: (event) => hidePreview(event.currentTarget),
      onblur: (event) => hidePreview(event.currentTarget),
    },
    label,
  );
}

async function showPreview(app, entity, anchor) {
  const ask = app.options.entities?.onRequestPreview;
  if (!ask || anchor.preview) return;
  anchor.preview = h("div.preview", { role: "tooltip" });
  const { preview } = (await ask(entity)) ?? {};
  if (!preview || !anchor.preview) return;
  if (preview.type !== "Basic") app.violation(`onRequestPreview returned a ${preview.type}, which is no Basic`);
  append(anchor.preview, [drawWidget(app, preview, { id: entity.id })]);
  anchor.after(anchor.preview);
}

function hidePreview(anchor) {
  anchor.preview?.remove();
  anchor.preview = null;
}

/** The entity of an input_tag part, as the host page once gave it. */
const entityOfTag = ({ id, text: title, data, group, interactive }) => ({
  id,
  title,
  data,
  group,
  interactive,
});

/** The part of a message that mentions an entity. */
function tagOfEntity({ id, title, data, group, interactive }) {
  return { type: "input_tag", text: title, id, data, group, interactive };
}
