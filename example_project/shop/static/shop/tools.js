// The page's half of client tools: what the assistant wants to know from the browser.
document.addEventListener("chatkit:options", ({ detail: { clientTools } }) => {
  // "Read the page": read_page in chat.py.
  clientTools.read_page = () => ({
    heading: document.querySelector("h1")?.textContent,
    orders: Array.from(document.querySelectorAll(".orders li"), (order) =>
      order.textContent.replace(/\s+/g, " ").trim(),
    ),
  });
  // "/tool": a tool of the demo assistant.
  clientTools.demo_tool = () => ({ time: new Date().toLocaleTimeString() });
});

// What the assistant changed is shown in the list of orders too: order_changed in tools.py.
document.addEventListener("chatkit.effect", ({ detail: { name, data } }) => {
  const status = document.querySelector(`#order-${data.number} .status`);
  if (name !== "order.changed" || !status) return;
  status.className = `status ${data.status}`;
  status.textContent = data.label;
});

// An order's number quotes the order in the next message.
document.addEventListener("click", ({ target }) => {
  const chat = document.querySelector("openai-chatkit");
  if (!target.closest("[data-ask]") || !chat) return;
  const order = target.closest("li").textContent.replace(/\s+/g, " ").trim();
  chat.setComposerValue({ reply: order, text: "What about this?" });
});
