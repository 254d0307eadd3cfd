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
