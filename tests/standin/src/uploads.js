// Files that wait in the composer: checked, uploaded by the host page, removable until they are sent.

const DEFAULT_MAX_SIZE = 100 * 1024 * 1024;
const DEFAULT_MAX_COUNT = 10;

class Uploads {
  /** @param {App} app */
  constructor(app, onChange) {
    this.app = app;
    this.onChange = onChange;
    this.entries = [];
    this.node = h("div.uploads", { role: "list", "aria-label": "Attachments" });
  }

  get options() {
    return this.app.options.composer?.attachments ?? { enabled: false };
  }

  get ready() {
    return this.entries.every((entry) => entry.attachment);
  }

  get attachments() {
    return this.entries.map((entry) => entry.attachment).filter(Boolean);
  }

  clear() {
    this.entries = [];
    this.draw();
  }

  add(files) {
    for (const file of files) {
      const problem = this.problemOf(file);
      if (problem) this.app.toast(problem);
      else this.upload(file);
    }
  }

  /** Attachments that are on the server already. */
  adopt(attachments) {
    this.entries.push(
      ...attachments.map((attachment) => ({
        name: attachment.name,
        attachment,
        controller: new AbortController(),
      })),
    );
    this.draw();
  }

  problemOf(file) {
    const { accept, maxCount = DEFAULT_MAX_COUNT } = this.options;
    if (this.entries.length >= maxCount) return `You can only attach up to ${maxCount} files.`;
    if (accept && !isAccepted(accept, file)) {
      return `That file type isn't supported. Accepted types are: ${Object.values(accept).flat().join(", ")}.`;
    }
    const limit = limitFor(this.options.maxSize, file.type);
    if (file.size > limit)
      return `Your file is too large. The maximum size is ${Math.floor(limit / 1024)} KB.`;
    return "";
  }

  async upload(file) {
    const entry = { name: file.name, attachment: null, created: null, controller: new AbortController() };
    this.entries.push(entry);
    this.draw();
    try {
      entry.attachment = await this.send(file, entry);
    } catch (error) {
      this.drop(entry);
      if (entry.controller.signal.aborted) return;
      const message = `Failed to upload file: ${messageOf(error)}`;
      this.app.fail("FileAttachmentError", message);
      this.app.toast(message);
    }
    this.draw();
  }

  async send(file, entry) {
    const strategy = this.app.options.api.uploadStrategy;
    const { signal } = entry.controller;
    if (strategy.type === "direct") {
      const response = await this.post(strategy.uploadUrl, {
        method: "POST",
        body: formOf(file),
        headers: this.app.api.baseHeaders,
        signal,
      });
      const attachment = await response.json().catch(() => ({}));
      if (!attachment.id || !attachment.mime_type)
        throw new Error("Upload endpoint did not return file metadata");
      return attachment;
    }
    const params = { name: file.name, size: file.size, mime_type: file.type };
    const attachment = await this.app.api.json("attachments.create", params, signal);
    entry.created = attachment.id;
    const descriptor = attachment.upload_descriptor;
    if (!descriptor?.url) throw new Error("File upload URL missing");
    const put = descriptor.method === "PUT";
    await this.post(descriptor.url, {
      method: descriptor.method,
      body: put ? file : formOf(file),
      headers: {
        ...(put ? { "content-type": file.type } : {}),
        ...this.app.api.baseHeaders,
        ...descriptor.headers,
      },
      signal,
    });
    return attachment;
  }

  async post(url, init) {
    const response = await this.app.api.fetch(url, init);
    if (response.ok) return response;
    const answer = await response.json().catch(() => ({}));
    throw new Error(answer.message ?? response.statusText);
  }

  /** The user thinks better of it: also the server forgets the file. */
  remove(entry) {
    entry.controller.abort();
    this.drop(entry);
    const id = entry.attachment?.id ?? entry.created;
    if (id) this.app.api.json("attachments.delete", { attachment_id: id }).catch(() => {});
    this.draw();
  }

  drop(entry) {
    this.entries = this.entries.filter((other) => other !== entry);
  }

  draw() {
    sync(
      this.node,
      this.entries.map((entry) =>
        h(
          "div.upload",
          { role: "listitem", "data-state": entry.attachment ? "ready" : "uploading" },
          drawIcon("document"),
          h("span", {}, entry.name),
          iconButton("close", `Remove ${entry.name}`, () => this.remove(entry)),
        ),
      ),
    );
    this.onChange();
  }
}

function formOf(file) {
  const form = new FormData();
  form.append("file", file, file.name);
  return form;
}

function isAccepted(accept, file) {
  return Object.entries(accept).some(
    ([pattern, endings]) =>
      fitsMime(pattern, file.type) &&
      (!endings.length || endings.some((ending) => file.name.toLowerCase().endsWith(ending.toLowerCase()))),
  );
}

function fitsMime(pattern, type) {
  return (
    pattern === type || (pattern.endsWith("/*") && type.startsWith(pattern.slice(0, -1))) || pattern === "*/*"
  );
}

function limitFor(maxSize, type) {
  if (maxSize === undefined) return DEFAULT_MAX_SIZE;
  if (typeof maxSize === "number") return maxSize;
  const key = Object.keys(maxSize).find((pattern) => fitsMime(pattern, type));
  return (key === undefined ? undefined : maxSize[key]) ?? maxSize["*"] ?? maxSize[""] ?? DEFAULT_MAX_SIZE;
}
