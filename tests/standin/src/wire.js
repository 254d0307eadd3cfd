// Server-sent events, line by line, wherever the chunks are cut.

/**
 * Yields the events of an SSE response. What is not JSON goes to `onGarbage`; odd lines go to `onOddLine`.
 * An event that no blank line ends is dropped, as the standard says.
 */
async function* readEvents(response, onGarbage, onOddLine) {
  let data = [];
  for await (const line of readLines(response)) {
    if (line === "") {
      if (data.length) yield* parseEvent(data.join("\n"), onGarbage);
      data = [];
    } else if (line === "data" || line.startsWith("data:")) {
      data.push(line.slice(5).replace(/^ /, ""));
    } else if (!line.startsWith(":")) {
      onOddLine(line);
    }
  }
  if (data.length) onOddLine("the last event, which no blank line ends");
}

function* parseEvent(data, onGarbage) {
  let event;
  try {
    event = JSON.parse(data);
  } catch (error) {
    onGarbage(error, data);
    return;
  }
  yield event;
}

async function* readLines(response) {
  if (!response.body) return;
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  let skipNewline = false;
  for (;;) {
    const { done, value } = await reader.read();
    rest += done ? decoder.decode() : decoder.decode(value, { stream: true });
    if (skipNewline && rest) {
      if (rest[0] === "\n") rest = rest.slice(1);
      skipNewline = false;
    }
    for (;;) {
      const end = /\r\n|\n|\r/.exec(rest);
      if (!end) break;
      yield rest.slice(0, end.index);
      rest = rest.slice(end.index + end[0].length);
      if (end[0] === "\r" && rest === "") skipNewline = true;
    }
    if (done) return;
  }
}
