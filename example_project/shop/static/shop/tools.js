// The page's half of a client tool: what the assistant wants to know from the browser (type /tool).
document.addEventListener("chatkit:options", (event) => {
  event.detail.options.onClientTool = () => ({ time: new Date().toLocaleTimeString() });
});
