// The live view of one run. Python sends numbered patches and, where one was lost, a snapshot; this file keeps the
// document they describe and paints it. Text goes in as text. The one field that is HTML comes sanitised from Python.

const RESYNC_MS = 300;
const INTERRUPT_MS = 500;

/** Apply a patch's operations to a document; returns the indices of the turns that changed. */
export function applyOperations(document_, operations) {
  const dirty = new Set();
  for (const [name, ...rest] of operations) {
    if (name === "run") {
      Object.assign(document_, rest[0]);
      continue;
    }
    const [index, key, ...values] = rest;
    dirty.add(index);
    if (name === "turn") {
      const turn = (document_.turns[index] ??= { parts: {} });
      turn.head = key;
      continue;
    }
    const parts = document_.turns[index].parts;
    if (name === "part") {
      parts[key] = values[0];
    } else if (name === "add") {
      const [field, text] = values;
      parts[key][field] += text;
    } else if (name === "blocks") {
      const [blocks, keep, end] = values;
      parts[key].blocks.push(...blocks);
      parts[key].tail = parts[key].tail.slice(0, keep) + end;
    }
  }
  return dirty;
}

/** Holds the document: takes patches in order, and asks for a snapshot when one is missing. */
export class Receiver {
  constructor(request, now = () => Date.now()) {
    this.document = { turns: [] };
    this.listeners = new Set();
    this.sequence = -1;
    this.request = request;
    this.now = now;
    this.askedAt = -Infinity;
  }

  takeSnapshot({ sequence, document }) {
    if (sequence === undefined || sequence < this.sequence) return;
    this.sequence = sequence;
    this.document = structuredClone(document);
    this.tell(null);
  }

  takePatch({ sequence, operations }) {
    if (sequence <= this.sequence) return;
    if (sequence !== this.sequence + 1) {
      if (this.now() - this.askedAt >= RESYNC_MS) {
        this.askedAt = this.now();
        this.request();
      }
      return;
    }
    this.sequence = sequence;
    this.tell(applyOperations(this.document, operations));
  }

  tell(dirty) {
    for (const listener of this.listeners) listener(dirty);
  }
}

function make(tag, name, ...children) {
  const node = document.createElement(tag);
  if (name) node.className = `al-${name}`;
  node.append(...children);
  return node;
}

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

const counted = (number) => number.toLocaleString("en-US");

function legend(tokens, segments) {
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
  constructor(segments) {
    this.segments = segments;
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

/** One place where the run is shown. */
class RunView {
  constructor(model, receiver) {
    this.model = model;
    this.receiver = receiver;
    this.segments = model.get("segments");
    this.turns = [];
    this.dirty = null;
    this.title = make("span", "title");
    this.status = make("span", "pill");
    this.status.setAttribute("role", "status");
    this.stop = make("button", "stop", "■ Stop");
    this.stop.type = "button";
    this.body = make("div", "body");
    this.totals = make("div", "numbers al-totals");
    this.node = make("div", "run", make("div", "head", this.title, this.status, this.stop), this.body, this.totals);
    this.stop.onclick = () => this.askToStop();
    this.follow();
  }

  /** Keep the newest line in sight until the reader scrolls up. */
  follow() {
    this.stuck = true;
    let top = 0;
    this.body.onscroll = () => {
      const { scrollTop, scrollHeight, clientHeight } = this.body;
      if (scrollHeight - scrollTop - clientHeight < 24) this.stuck = true;
      else if (scrollTop < top - 2) this.stuck = false;
      top = scrollTop;
    };
  }

  changed(dirty) {
    if (this.frame === undefined) {
      this.dirty = dirty;
      this.frame = requestAnimationFrame(() => this.paint());
    } else if (this.dirty !== null) {
      this.dirty = dirty === null ? null : new Set([...this.dirty, ...dirty]);
    }
  }

  paint() {
    this.frame = undefined;
    const { document: run } = this.receiver;
    if (this.dirty === null) {
      this.turns = [];
      this.body.replaceChildren();
    }
    for (const index of this.dirty ?? run.turns.keys()) {
      while (this.turns.length <= index) {
        this.turns.push(new TurnView(this.segments));
        this.body.append(this.turns.at(-1).node);
      }
      this.turns[index].paint(run.turns[index]);
    }
    this.dirty = new Set();
    this.paintRun(run);
    if (this.stuck) this.body.scrollTop = this.body.scrollHeight;
  }

  paintRun(run) {
    const longest = Math.max(1, ...this.turns.map((turn) => turn.total ?? 0));
    for (const turn of this.turns) turn.bar.style.width = `${(100 * (turn.total ?? 0)) / longest}%`;
    setText(this.title, run.title || "run");
    setText(this.status, run.detail ? `${run.label}: ${run.detail}` : run.label);
    this.node.dataset.status = run.status;
    this.node.setAttribute("aria-busy", String(run.status === "running"));
    this.stop.hidden = run.status !== "running" || !this.model.get("can_stop");
    const totals = JSON.stringify(run.totals);
    if (totals === this.paintedTotals) return;
    this.paintedTotals = totals;
    const counts = legend(run.totals.tokens, this.segments);
    this.totals.replaceChildren(
      make("span", "count", make("b", "", "total")),
      ...counts,
      make("span", "count", "cost ", make("b", "", run.totals.cost)),
    );
    this.totals.hidden = counts.length === 0;
  }

  /** Ask Python; where it does not answer, because a blocking call holds its thread, interrupt the kernel. */
  askToStop() {
    this.stop.disabled = true;
    setText(this.stop, "Stopping…");
    this.model.send({ type: "stop" });
    this.interrupt = setTimeout(() => this.model.widget_manager?.kernel?.interrupt?.(), INTERRUPT_MS);
  }

  stopping() {
    clearTimeout(this.interrupt);
  }

  close() {
    clearTimeout(this.interrupt);
    if (this.frame !== undefined) cancelAnimationFrame(this.frame);
  }
}

export default () => {
  let receiver;
  const views = new Set();
  return {
    initialize({ model }) {
      receiver = new Receiver(() => model.send({ type: "resync" }));
      const onSnapshot = () => receiver.takeSnapshot(model.get("snapshot"));
      const onMessage = (message) => {
        if (message.type === "patch") receiver.takePatch(message);
        if (message.type === "stopping") for (const view of views) view.stopping();
      };
      model.on("change:snapshot", onSnapshot);
      model.on("msg:custom", onMessage);
      onSnapshot();
      model.send({ type: "ready" });
      return () => {
        model.off("change:snapshot", onSnapshot);
        model.off("msg:custom", onMessage);
      };
    },
    render({ model, el }) {
      const view = new RunView(model, receiver);
      const listener = (dirty) => view.changed(dirty);
      views.add(view);
      receiver.listeners.add(listener);
      el.append(view.node);
      view.paint();
      return () => {
        views.delete(view);
        receiver.listeners.delete(listener);
        view.close();
      };
    },
  };
};
