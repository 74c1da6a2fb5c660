// Paints the document of a run. Text goes in as text; the one field that is HTML comes sanitised from Python.

import { GrowingText, counted, make, setText } from "./elements.js";
import { MediaView } from "./media.js";
import { RetrievalView } from "./retrieval_card.js";
import { TokenBar } from "./token_bar.js";
import { ToolView } from "./tool_card.js";

export { counted, fact, make, makeButton, setLines, setText } from "./elements.js";
export { legend } from "./token_bar.js";

/** @typedef {import("./run_document.js").Run} Run */
/** @typedef {import("./run_document.js").Turn} Turn */
/** @typedef {import("./run_document.js").Head} Head */

/** Markdown: a node for each finished block, and one for the open block. */
class TextView {
  constructor() {
    this.kind = "text";
    this.tail = make("div", "block");
    this.node = make("div", "text", this.tail);
    this.painted = 0;
    this.html = "";
  }

  /** @param {import("./run_document.js").TextPart} part */
  paint(part) {
    for (; this.painted < part.blocks.length; this.painted += 1) {
      const block = make("div", "block al-finished");
      block.innerHTML = part.blocks[this.painted]; // SafeHTML of Python
      for (const table of block.querySelectorAll("table")) table.tabIndex = 0; // a wide one scrolls
      this.tail.before(block);
    }
    if (this.html !== part.tail) {
      this.html = part.tail;
      this.tail.innerHTML = part.tail; // SafeHTML of Python
    }
  }
}

class ReasoningView {
  constructor() {
    this.kind = "reasoning";
    this.size = make("span", "muted");
    const body = make("div", "reasoning");
    this.node = make("details", "fold", make("summary", "", make("em", "", "reasoning"), this.size), body);
    this.text = new GrowingText(body);
  }

  /** @param {import("./run_document.js").ReasoningPart} part */
  paint(part) {
    const tokens = part.tokens ? `${part.estimated ? "~" : ""}${counted(part.tokens)} tokens` : "";
    setText(this.size, tokens);
    this.size.title = part.tokens && part.estimated ? "estimated" : "";
    this.text.paint(part.text);
  }
}

class NoteView {
  constructor() {
    this.kind = "note";
    this.node = make("div", "muted");
    this.text = new GrowingText(this.node);
  }

  /** @param {import("./run_document.js").NotePart} part */
  paint(part) {
    this.text.paint(part.text);
  }
}

/** @param {string} kind @param {import("./tool_card.js").Decide | null | undefined} decide */
function viewOf(kind, decide) {
  if (kind === "text") return new TextView();
  if (kind === "reasoning") return new ReasoningView();
  if (kind === "retrieval") return new RetrievalView();
  if (kind === "picture" || kind === "sound") return new MediaView(kind);
  return kind === "tool" ? new ToolView(decide) : new NoteView();
}

class TurnView {
  /** @param {string[][]} segments @param {import("./tool_card.js").Decide | null | undefined} decide */
  constructor(segments, decide) {
    this.decide = decide;
    this.title = make("div", "turn-title");
    this.notices = make("div", "notices");
    this.parts = make("div", "parts");
    this.bar = new TokenBar(segments);
    const { bar, numbers, estimate } = this.bar;
    this.node = make("section", "turn", this.title, this.notices, this.parts, bar, numbers, estimate);
    /** @type {Map<number, any>} */
    this.views = new Map();
  }

  /** @param {Turn} turn @param {boolean} severalModels */
  paint({ head, estimate, parts }, severalModels) {
    if (head !== this.head || severalModels !== this.severalModels) this.paintHead(head, severalModels);
    this.bar.paintEstimate(estimate, head.status === "running");
    /** @type {ChildNode | null} */
    let place = this.parts.firstChild;
    const kept = new Map();
    for (const key of head.order) {
      const part = parts[key];
      let view = this.views.get(key);
      if (view === undefined || view.kind !== part.kind) view = viewOf(part.kind, this.decide);
      view.paint(part);
      kept.set(key, view);
      if (view.node === place) place = view.node.nextSibling;
      else this.parts.insertBefore(view.node, place);
    }
    while (place) {
      const next = place.nextSibling;
      place.remove();
      place = next;
    }
    this.views = kept;
  }

  /** @param {Head} head @param {boolean} severalModels */
  paintHead(head, severalModels) {
    this.head = head;
    this.severalModels = severalModels;
    const status = head.status === "done" || head.status === "running" ? "" : head.status;
    const named = [`turn ${head.number}`, severalModels ? head.model : "", status];
    setText(this.title, named.filter(Boolean).join(" · "));
    this.notices.replaceChildren(
      ...head.notices.map(([kind, text, timing]) => {
        const notice = make("div", "notice", make("b", "", kind), ` ${text}${timing ? ` (${timing})` : ""}`);
        notice.dataset.kind = kind;
        return notice;
      }),
    );
    this.bar.paint(head);
  }
}

/** The turns of one run, painted from its document. */
export class RunBody {
  /** @param {{segments: string[][], decide?: import("./tool_card.js").Decide | null}} options without `decide` no buttons */
  constructor({ segments, decide }) {
    this.segments = segments;
    this.decide = decide;
    /** @type {TurnView[]} */
    this.turns = [];
    this.node = make("div", "turns");
  }

  /**
   * Paint the turns that changed; all of them, anew, where `dirty` is null.
   * @param {Run} run @param {Iterable<number> | null} dirty
   */
  paint(run, dirty) {
    if (dirty === null) {
      this.turns = [];
      this.node.replaceChildren();
    }
    const severalModels = (run.model ?? "").includes(", ");
    for (const index of dirty ?? run.turns.keys()) {
      while (this.turns.length <= index) {
        const turn = new TurnView(this.segments, this.decide);
        this.turns.push(turn);
        this.node.append(turn.node);
      }
      this.turns[index].paint(run.turns[index], severalModels);
    }
    const longest = Math.max(1, ...this.turns.map((turn) => turn.bar.total));
    for (const turn of this.turns) turn.bar.scale(longest);
  }
}
