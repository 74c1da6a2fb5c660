// The live view of a chat: sessions above, the branch shown, an input box below.

import { Composer, WaitingList } from "./chat_composer.js";
import { ExchangeView } from "./chat_exchange.js";
import { ChatHead } from "./chat_head.js";
import { QuestionView } from "./chat_question.js";
import { documentWidget } from "./document_widget.js";
import { announcement, applyRunsOperations } from "./run_document.js";
import { make, makeButton, setLines, setText } from "./run_painting.js";
import { StickyBottom } from "./scrolling.js";

const BLOCKED_MS = 300;

/** Something that went wrong beside the answers. */
class Problem {
  /** @param {import("./chat_exchange.js").Link} link */
  constructor(link) {
    this.text = make("span", "");
    const dismiss = makeButton("quiet", "Dismiss", () => link.send({ type: "dismiss" }));
    this.node = make("div", "problem", this.text, dismiss);
    this.node.setAttribute("role", "alert");
  }

  /** @param {string} problem */
  paint(problem) {
    this.node.hidden = !problem;
    setText(this.text, problem);
  }
}

/** One place where the chat is shown. */
class ChatView {
  /** @param {any} model @param {import("./run_document.js").Receiver} receiver */
  constructor(model, receiver) {
    this.model = model;
    this.questions = new Questions(model);
    this.receiver = receiver;
    this.segments = model.get("segments");
    this.link = {
      send: (/** @type {object} */ message) => model.send(message),
      ask: (/** @type {object} */ message) => this.questions.ask(message),
      focus: () => this.composer.box.focus(),
    };
    /** @type {Map<number, Set<number> | null> | null} */
    this.dirty = null;
    /** @type {number | undefined} */
    this.frame = undefined;
    /** @type {ExchangeView[]} */
    this.exchanges = [];
    this.switches = -1;
    this.stopping = false;
    this.head = new ChatHead(this.link);
    this.empty = make("div", "empty");
    this.list = make("div", "exchanges");
    this.changes = make("div", "changes");
    this.body = make("div", "body", this.empty, this.list, this.changes);
    this.body.tabIndex = 0;
    this.body.setAttribute("role", "region");
    this.sticky = new StickyBottom(this.body);
    const show = () => this.link.send({ type: "select", id: this.receiver.document.running });
    this.elsewhere = makeButton("quiet al-elsewhere", "An answer is under way on another branch: show it", show);
    this.problem = new Problem(this.link);
    this.question = new QuestionView(this.link);
    this.waiting = new WaitingList(this.link);
    this.composer = new Composer({ link: this.link, stop: () => this.askToStop(), sent: () => this.sent() });
    this.spoken = make("div", "spoken");
    this.spoken.setAttribute("role", "status");
    this.node = this.put();
  }

  /** What the reader sends is to be seen, wherever he has scrolled. */
  sent() {
    this.sticky.stuck = true;
    this.sticky.button.hidden = true;
    this.sticky.moved();
  }

  put() {
    const scene = make("div", "scene", this.body, this.sticky.button);
    const node = make("div", "chat", this.head.node, scene, this.elsewhere, this.problem.node, this.waiting.node);
    node.append(this.question.node, this.composer.node, this.spoken);
    // JupyterLab takes no key that is pressed in here: Enter, Escape and all others are the reader's.
    node.dataset.lmSuppressShortcuts = "true";
    node.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.receiver.document.running !== null) this.askToStop();
      event.stopPropagation();
    });
    return node;
  }

  /** @param {Map<number, Set<number> | null> | null} dirty */
  changed(dirty) {
    if (dirty === null || this.dirty === null) this.dirty = null;
    else for (const [index, turns] of dirty) this.mark(this.dirty, index, turns);
    this.frame ??= requestAnimationFrame(() => this.paint());
  }

  /** @param {Map<number, Set<number> | null>} marked @param {number} index @param {Set<number> | null} turns */
  mark(marked, index, turns) {
    const known = marked.get(index);
    const anew = turns === null || known === null;
    marked.set(index, anew ? null : new Set([...(known ?? []), ...turns]));
  }

  paint() {
    this.frame = undefined;
    const chat = this.receiver.document;
    for (const gone of this.exchanges.splice(chat.runs.length)) {
      gone.close();
      gone.node.remove();
    }
    // A snapshot of the same branch is the same runs, further on: painted into what is there, it leaves open what the
    // reader has opened.
    const same = chat.switches === this.switches;
    this.switches = chat.switches;
    for (const [index, entry] of chat.runs.entries()) {
      const marked = this.dirty === null ? (same ? entry.run.turns.keys() : null) : this.dirty.get(index);
      if (marked !== undefined) this.paintExchange(index, entry, marked);
    }
    this.dirty = new Map();
    this.paintChat(chat);
    this.sticky.moved();
  }

  /** @param {number} index @param {any} entry @param {Iterable<number> | null} dirty */
  paintExchange(index, entry, dirty) {
    const key = `${this.receiver.document.session} ${entry.about.id}`;
    const old = this.exchanges[index];
    if (old !== undefined && old.key === key) {
      old.paint(entry, dirty);
      return;
    }
    const made = new ExchangeView(key, entry.about, this.segments, this.link);
    made.paint(entry, null);
    this.exchanges[index] = made;
    if (old === undefined) {
      this.list.append(made.node);
    } else {
      old.close();
      old.node.replaceWith(made.node);
    }
  }

  /** @param {any} chat */
  paintChat(chat) {
    const busy = (chat.running ?? null) !== null;
    this.stopping = this.stopping && busy;
    this.node.setAttribute("aria-busy", String(busy));
    this.body.setAttribute("aria-label", `Chat: ${chat.title}`);
    this.head.paint(chat);
    this.empty.hidden = chat.runs.length > 0;
    const tools = chat.tools.length ? ` Tools: ${chat.tools.join(", ")}.` : "";
    setText(this.empty, `Ask ${chat.agent} something.${tools}`);
    const shown = chat.runs.some((/** @type {any} */ entry) => entry.about.id === chat.running);
    this.elsewhere.hidden = !busy || shown;
    setLines(this.changes, chat.changes);
    this.problem.paint(chat.problem);
    this.question.paint(chat.question ?? null);
    this.waiting.paint(chat.waiting);
    this.composer.paint(busy, this.stopping, chat.agent);
    this.announce(chat);
  }

  /**
   * Say aloud how the newest answer stands, never its text.
   * @param {any} chat
   */
  announce(chat) {
    const newest = chat.runs.at(-1)?.run;
    if (newest === undefined) return;
    const said = announcement(newest).replace(/^Run /, "Answer ").replace("Answer done", "Answer complete");
    setText(this.spoken, said);
  }

  /** Ask Python; where a cell blocks until the answer is there, and so hears nothing, interrupt it. */
  askToStop() {
    if (this.stopping) return;
    this.stopping = true;
    this.link.ask({ type: "stop" }).then(() => clearTimeout(this.interrupt));
    this.composer.paint(true, true, this.receiver.document.agent);
    if (!this.receiver.document.is_blocking) return;
    this.interrupt = setTimeout(() => {
      if (this.receiver.document.running !== null) this.model.widget_manager?.kernel?.interrupt?.();
    }, BLOCKED_MS);
  }

  /** @param {any} message */
  heard(message) {
    this.questions.take(message);
  }

  close() {
    clearTimeout(this.interrupt);
    for (const exchange of this.exchanges) exchange.close();
    if (this.frame !== undefined) cancelAnimationFrame(this.frame);
  }
}

/** Requests that Python answers. */
class Questions {
  /** @param {any} model */
  constructor(model) {
    this.model = model;
    /** @type {Map<string, (answer: any) => void>} */
    this.open = new Map();
  }

  /** @param {object} message @returns {Promise<any>} */
  ask(message) {
    const nonce = crypto.getRandomValues(new Uint32Array(4)).join("-");
    this.model.send({ ...message, nonce });
    return new Promise((resolve) => this.open.set(nonce, resolve));
  }

  /** @param {any} answer */
  take(answer) {
    this.open.get(answer.nonce)?.(answer);
    this.open.delete(answer.nonce);
  }
}

export default documentWidget((model, receiver) => new ChatView(model, receiver), applyRunsOperations);
