// One prompt and its answer: edited and sent again in place, copied, asked again, and shown branch by branch.

import { Elapsed } from "./elapsed.js";
import { RunBody, fact, legend, make, makeButton, setLines, setText } from "./run_painting.js";

/** @typedef {import("./run_document.js").Run} Run */
/**
 * @typedef {{id: number, prompt: string, place: [number, number], earlier: number | null, later: number | null,
 *   left_out: boolean, still: boolean, resumable: boolean, lead: string[], changes: string[]}} About
 * @typedef {{about: About, run: Run}} Shown
 * @typedef {{send: (message: object) => void, ask: (message: object) => Promise<any>, focus: () => void}} Link
 */

const COPIED_MS = 1500;
const PATIENCE_MS = 1000;

/**
 * Put a text on the clipboard; a page that is not served securely has only the old way.
 * @param {string} text
 */
async function copyText(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const focused = document.activeElement;
  const box = make("textarea", "spoken", text);
  (focused?.parentElement ?? document.body).append(box);
  box.select();
  const copied = document.execCommand("copy");
  box.remove();
  if (focused instanceof HTMLElement) focused.focus();
  if (!copied) throw new Error("the browser did not copy");
}

/**
 * A button that copies and says so.
 * @param {string} label @param {() => Promise<string>} text
 */
function copyButton(label, text) {
  const button = makeButton("quiet", "Copy", async () => {
    try {
      await copyText(await text());
      setText(button, "Copied");
    } catch {
      setText(button, "Not copied");
    }
    setTimeout(() => setText(button, "Copy"), COPIED_MS);
  });
  button.setAttribute("aria-label", label);
  return button;
}

/** A prompt being edited. */
class PromptEditor {
  /** @param {(text: string) => void} send @param {() => void} leave */
  constructor(send, leave) {
    this.box = make("textarea", "box");
    this.box.setAttribute("aria-label", "Edit the message");
    const cancel = makeButton("quiet", "Cancel", leave);
    const resend = makeButton("send", "Send", () => send(this.box.value));
    this.hint = make("span", "hint");
    this.node = make("div", "editor", this.box, make("div", "actions", this.hint, cancel, resend));
    this.refused("");
    this.node.hidden = true;
    this.box.onkeydown = (event) => {
      if (event.key === "Escape") {
        event.stopPropagation();
        leave();
      } else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        send(this.box.value);
      }
    };
  }

  /** @param {string} reason empty where there is none */
  refused(reason) {
    setText(this.hint, reason ? `Not sent: ${reason}` : "Sends a new branch; this one stays.");
    this.hint.dataset.state = reason ? "bad" : "";
  }

  /** @param {string} text */
  open(text) {
    this.box.value = text;
    this.node.hidden = false;
    this.box.style.height = `${Math.min(240, this.box.scrollHeight + 2)}px`;
    this.box.focus();
    this.box.setSelectionRange(text.length, text.length);
  }
}

/** How an answer stands, what it took, and what can be done with it. */
class Foot {
  /** @param {string[][]} segments @param {{copy: () => Promise<string>, retry: () => void, resume: () => void,
   *   details: () => boolean}} acts */
  constructor(segments, { copy, retry, resume, details }) {
    this.segments = segments;
    this.totals = "";
    this.status = make("span", "outcome");
    this.elapsed = make("span", "elapsed");
    this.clock = new Elapsed(this.elapsed);
    this.numbers = make("span", "numbers");
    this.leftOut = make("span", "muted", "Not part of what later messages are sent with.");
    this.copy = copyButton("Copy the answer", copy);
    this.retry = makeButton("quiet", "Retry", retry);
    this.retry.setAttribute("aria-label", "Ask again, as a new branch");
    this.resume = makeButton("quiet", "Resume", resume);
    this.details = makeButton("quiet", "Details", () => {
      this.details.setAttribute("aria-expanded", String(details()));
      this.node.scrollIntoView({ block: "nearest" });
    });
    this.details.setAttribute("aria-expanded", "false");
    const actions = make("div", "actions", this.resume, this.copy, this.retry, this.details);
    this.node = make("div", "foot", this.status, this.elapsed, this.numbers, this.leftOut, actions);
  }

  /** @param {Shown} entry */
  paint({ about, run }) {
    const running = run.status === "running";
    const said = run.asking?.length ? "needs approval" : running ? "answering" : run.status === "done" ? "" : run.label;
    const detail = running ? null : run.detail;
    setText(this.status, !detail ? said : detail.startsWith(said) ? detail : `${said}: ${detail}`);
    this.status.hidden = !said;
    this.clock.paint(run);
    this.leftOut.hidden = !about.left_out;
    const answered = run.turns.some(({ parts }) => Object.values(parts).some(({ kind }) => kind === "text"));
    this.copy.hidden = running || !answered;
    this.retry.hidden = running && !about.still;
    this.resume.hidden = !about.resumable;
    this.elapsed.hidden = about.still;
    this.details.hidden = run.turns.length === 0;
    this.paintTotals(run.totals);
  }

  /** @param {{tokens: Record<string, number>, cost: string}} totals */
  paintTotals(totals) {
    const known = JSON.stringify(totals);
    if (known === this.totals) return;
    this.totals = known;
    const told = this.segments.filter(([name]) => totals.tokens[name] > 0 || name === "read");
    const pieces = legend(totals.tokens, told);
    if (totals.cost !== "–") pieces.push(fact("cost", totals.cost));
    this.numbers.replaceChildren(...pieces);
  }
}

/** What the reader said: edited in place, and gone through branch by branch. */
class PromptView {
  /** @param {About} about @param {Link} link */
  constructor(about, link) {
    this.about = about;
    this.link = link;
    this.text = make("div", "prompt-text");
    this.editor = new PromptEditor((text) => this.resend(text), () => this.closeEditor());
    this.earlier = makeButton("quiet", "‹", () => this.select(this.about.earlier));
    this.place = make("span", "place");
    this.later = makeButton("quiet", "›", () => this.select(this.about.later));
    this.branches = make("span", "branches", this.earlier, this.place, this.later);
    const copy = copyButton("Copy the message", async () => this.about.prompt);
    this.edit = makeButton("quiet", "Edit", () => this.openEditor());
    this.actions = make("div", "actions", this.branches, copy, this.edit);
    this.node = make("div", "prompt", this.text, this.editor.node, this.actions);
  }

  /** @param {About} about */
  paint(about) {
    this.about = about;
    const [place, count] = about.place;
    setText(this.text, about.prompt);
    this.branches.hidden = count < 2;
    setText(this.place, `${place}/${count}`);
    this.earlier.disabled = about.earlier === null;
    this.later.disabled = about.later === null;
    this.earlier.setAttribute("aria-label", `Show branch ${place - 1} of ${count}`);
    this.later.setAttribute("aria-label", `Show branch ${place + 1} of ${count}`);
  }

  openEditor() {
    this.text.hidden = true;
    this.actions.hidden = true;
    this.editor.open(this.about.prompt);
  }

  closeEditor() {
    this.editor.node.hidden = true;
    this.text.hidden = false;
    this.actions.hidden = false;
    this.edit.focus();
  }

  /** @param {string} text */
  async resend(text) {
    if (!text.trim()) return;
    this.editor.box.readOnly = true;
    const answer = await this.link.ask({ type: "edit", id: this.about.id, text });
    this.editor.box.readOnly = false;
    this.editor.refused(answer.type === "taken" ? "" : answer.reason);
    if (answer.type !== "taken") return;
    this.closeEditor();
    this.link.focus();
  }

  /** @param {number | null} id */
  select(id) {
    if (id !== null) this.link.send({ type: "select", id });
  }
}

export class ExchangeView {
  /** @param {string} key names it among all sessions @param {About} about @param {string[][]} segments @param {Link} link */
  constructor(key, about, segments, link) {
    this.key = key;
    this.link = link;
    this.prompt = new PromptView(about, link);
    /** @param {string} callId @param {boolean} approved */
    const decide = (callId, approved) => link.send({ type: "decide", call_id: callId, approved });
    this.body = new RunBody({ segments, decide });
    this.lead = make("div", "changes");
    this.changes = make("div", "changes");
    this.foot = new Foot(segments, {
      copy: () => this.answer(),
      retry: () => link.send({ type: "retry", id: this.prompt.about.id }),
      resume: () => link.send({ type: "resume", id: this.prompt.about.id }),
      details: () => this.node.toggleAttribute("data-details"),
    });
    /** @type {HTMLElement} */
    this.node = make("article", "exchange", this.lead, this.prompt.node, this.body.node, this.changes, this.foot.node);
  }

  /** @param {Shown} entry @param {Iterable<number> | null} dirty the turns that changed; null paints all anew */
  paint(entry, dirty) {
    const { about, run } = entry;
    this.prompt.paint(about);
    this.body.paint(run, dirty);
    this.foot.paint(entry);
    setLines(this.lead, about.lead);
    setLines(this.changes, about.changes);
    this.node.dataset.status = run.asking?.length ? "asking" : run.status;
    this.node.setAttribute("aria-label", `Message ${about.id}`);
  }

  /** The answer's Markdown, which only Python has; where it does not answer, what is on display. */
  async answer() {
    const late = new Promise((resolve) => setTimeout(() => resolve({}), PATIENCE_MS));
    const { text } = await Promise.race([this.link.ask({ type: "copy", id: this.prompt.about.id }), late]);
    const shown = [...this.body.node.querySelectorAll(".al-text")].map((node) => node.textContent ?? "");
    return text ?? shown.join("\n\n");
  }

  close() {
    this.foot.clock.stop();
  }
}
