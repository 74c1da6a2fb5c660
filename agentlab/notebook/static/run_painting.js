// Paints the document of a run. Text goes in as text; the one field that is HTML comes sanitised from Python.

export function make(tag, name, ...children) {
  const node = document.createElement(tag);
  if (name) node.className = `al-${name}`;
  node.append(...children);
  return node;
}

export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export const counted = (number) => number.toLocaleString("en-US");

export function legend(tokens, segments) {
  return segments
    .filter(([name]) => tokens[name] !== undefined)
    .map(([name, label, color]) => {
      const swatch = make("i", "swatch");
      swatch.style.background = color;
      return make("span", "count", swatch, `${label} `, make("b", "", counted(tokens[name])));
    });
}

/** Markdown: a node for each finished block, and one for the open block. */
class TextView {
  constructor() {
    this.tail = make("div", "block");
    this.node = make("div", "text", this.tail);
    this.painted = 0;
    this.html = "";
  }

  paint(part) {
    for (; this.painted < part.blocks.length; this.painted += 1) {
      const block = make("div", "block al-finished");
      block.innerHTML = part.blocks[this.painted]; // SafeHTML of Python
      this.tail.before(block);
    }
    if (this.html !== part.tail) {
      this.html = part.tail;
      this.tail.innerHTML = part.tail; // SafeHTML of Python
    }
  }
}

/** Plain text that grows. */
class GrowingText {
  constructor(node) {
    this.text = node.appendChild(document.createTextNode(""));
    this.painted = 0;
  }

  paint(text) {
    if (text.length > this.painted) this.text.appendData(text.slice(this.painted));
    this.painted = text.length;
  }
}

class ReasoningView {
  constructor() {
    this.size = make("span", "muted");
    const body = make("div", "reasoning");
    this.node = make("details", "fold", make("summary", "", make("em", "", "reasoning"), this.size), body);
    this.text = new GrowingText(body);
  }

  paint(part) {
    setText(this.size, ` · ${counted(part.text.length)} characters`);
    this.text.paint(part.text);
  }
}

class NoteView {
  constructor() {
    this.node = make("div", "muted");
    this.text = new GrowingText(this.node);
  }

  paint(part) {
    this.text.paint(part.text);
  }
}

class ToolView {
  constructor() {
    this.name = make("code", "");
    this.preview = make("span", "preview");
    this.status = make("span", "status");
    const summary = make("summary", "", this.name, this.preview, this.status);
    this.input = make("pre", "");
    this.label = make("div", "muted");
    this.output = make("pre", "");
    this.node = make("details", "fold", summary, this.input, this.label, this.output);
  }

  paint(part) {
    const state = part.error ? "bad" : part.status === "success" ? "good" : "busy";
    this.node.dataset.state = state;
    setText(this.name, part.name);
    setText(this.preview, part.arguments.slice(0, 200).replace(/\s+/g, " "));
    setText(this.status, [part.status === "success" ? "ok" : part.status, part.time].filter(Boolean).join(" · "));
    setText(this.input, part.arguments);
    setText(this.label, part.result === null ? "" : part.error ? "error" : "result");
    setText(this.output, part.result ?? "");
    this.output.hidden = part.result === null;
    if (part.error) this.node.open = true;
  }
}

const PART_VIEWS = { text: TextView, reasoning: ReasoningView, note: NoteView, tool: ToolView };

class TurnView {
  constructor(segments, decide) {
    this.segments = segments;
    this.decide = decide;
    this.title = make("div", "turn-title");
    this.notices = make("div", "notices");
    this.parts = make("div", "parts");
    this.bar = make("div", "bar");
    this.numbers = make("div", "numbers");
    this.node = make("section", "turn", this.title, this.notices, this.parts, this.bar, this.numbers);
    this.views = new Map();
  }

  paint({ head, parts }) {
    if (head !== this.head) this.paintHead(head);
    let place = this.parts.firstChild;
    const kept = new Map();
    for (const key of head.order) {
      const part = parts[key];
      let view = this.views.get(key);
      if (view === undefined || view.kind !== part.kind) {
        view = new PART_VIEWS[part.kind]();
        view.kind = part.kind;
      }
      view.paint(part);
      kept.set(key, view);
      if (view.node === place) place = place.nextSibling;
      else this.parts.insertBefore(view.node, place);
    }
    while (place) {
      const next = place.nextSibling;
      place.remove();
      place = next;
    }
    this.views = kept;
  }

  paintHead(head) {
    this.head = head;
    const status = head.status === "done" || head.status === "running" ? "" : ` · ${head.status}`;
    setText(this.title, `turn ${head.number}${head.model ? ` · ${head.model}` : ""}${status}`);
    this.notices.replaceChildren(
      ...head.notices.map(([kind, text, timing]) => make("div", "", `⚠ ${kind}: ${text}${timing ? ` (${timing})` : ""}`)),
    );
    const tokens = head.tokens ?? {};
    const { lengths } = head;
    this.total = Object.values(lengths).reduce((sum, length) => sum + length, 0);
    const pieces = this.segments.filter(([name]) => lengths[name] > 0);
    this.bar.hidden = pieces.length === 0;
    this.bar.replaceChildren(
      ...pieces.map(([name, label, color]) => {
        const piece = make("div", "");
        piece.title = `${label} ${counted(tokens[name])}`;
        piece.style.background = color;
        piece.style.flexGrow = lengths[name];
        return piece;
      }),
    );
    const facts = [];
    if (head.tokens) facts.push(["cost", head.cost]);
    if (head.first !== "–") facts.push(["first token", head.first]);
    if (head.time !== "–") facts.push(["time", head.time]);
    this.numbers.replaceChildren(
      ...legend(tokens, this.segments),
      ...facts.map(([name, value]) => make("span", "count", `${name} `, make("b", "", value))),
    );
  }
}

/** The turns of one run, painted from its document. */
export class RunBody {
  /** @param {{segments: string[][], decide: (callId: string, approved: boolean) => void}} options */
  constructor({ segments, decide }) {
    this.segments = segments;
    this.decide = decide;
    this.turns = [];
    this.node = make("div", "turns");
  }

  /** Paint the turns that changed; all of them, anew, where `dirty` is null. */
  paint(run, dirty) {
    if (dirty === null) {
      this.turns = [];
      this.node.replaceChildren();
    }
    for (const index of dirty ?? run.turns.keys()) {
      while (this.turns.length <= index) {
        this.turns.push(new TurnView(this.segments, this.decide));
        this.node.append(this.turns.at(-1).node);
      }
      this.turns[index].paint(run.turns[index]);
    }
    const longest = Math.max(1, ...this.turns.map((turn) => turn.total ?? 0));
    for (const turn of this.turns) turn.bar.style.width = `${(100 * (turn.total ?? 0)) / longest}%`;
  }
}
