// A pending structured_input takes the place of the composer: one question after the other.

class Questions {
  /** @param {App} app */
  constructor(app, item) {
    this.app = app;
    this.item = item;
    this.at = 0;
    this.answers = item.inputs.map(() => ({ values: [], skipped: true }));
    this.node = h("section.questions-panel", { "aria-label": "Questions" });
    this.draw();
  }

  draw() {
    const { inputs } = this.item;
    const input = inputs[this.at];
    const last = this.at === inputs.length - 1;
    this.own = h("textarea", {
      rows: 2,
      "aria-label": input.question,
      placeholder: input.type === "freeform" ? "Your answer" : "Something else",
    });
    this.own.addEventListener("input", () => this.refresh());
    this.next = h(
      "button.button.primary",
      { type: "button", onclick: () => this.keep() },
      last ? "Submit" : "Next",
    );
    sync(this.node, [
      h(
        "div.questions-head",
        {},
        h("span", {}, `${this.at + 1} of ${inputs.length}`),
        this.at > 0 && h("button.link", { type: "button", onclick: () => this.back() }, "Back"),
      ),
      h("p.question", {}, input.question),
      input.description && h("p.caption", {}, input.description),
      input.type === "multiple_choice" && this.drawChoices(input),
      this.own,
      h(
        "div.card-actions",
        {},
        h("button.button.secondary", { type: "button", onclick: () => this.skip() }, "Skip"),
        this.next,
      ),
    ]);
    this.refresh();
  }

  drawChoices(input) {
    const kind = input.multiple ? "checkbox" : "radio";
    return h(
      "div.choices",
      { role: input.multiple ? "group" : "radiogroup", "aria-label": input.question },
      input.options.map(({ value }) =>
        h(
          "label.check",
          {},
          h("input", { type: kind, name: `q-${input.id}`, value, onchange: () => this.refresh() }),
          value,
        ),
      ),
    );
  }

  get values() {
    const chosen = [...this.node.querySelectorAll("input:checked")].map((control) => control.value);
    const written = this.own.value.trim();
    return written ? [...chosen, written] : chosen;
  }

  refresh() {
    this.next.disabled = !this.values.length;
  }

  keep() {
    this.answers[this.at] = { values: this.values, skipped: false };
    this.advance();
  }

  skip() {
    this.answers[this.at] = { values: [], skipped: true };
    this.advance();
  }

  back() {
    this.at -= 1;
    this.draw();
  }

  advance() {
    if (this.at < this.item.inputs.length - 1) {
      this.at += 1;
      this.draw();
      return;
    }
    const skipped = this.answers.every((answer) => answer.skipped);
    const answers = Object.fromEntries(this.item.inputs.map(({ id }, index) => [id, this.answers[index]]));
    this.app.answerQuestions(this.item, { status: skipped ? "skipped" : "answered", answers });
  }
}
