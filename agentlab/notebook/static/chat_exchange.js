// One prompt and its answer: edited and sent again in place, copied, asked again, and shown branch by branch.

import { Elapsed } from "./elapsed.js";
import { RunBody, fact, legend, make, makeButton, setText } from "./run_painting.js";

/** @typedef {import("./run_document.js").Run} Run */
/**
 * @typedef {{id: number, prompt: string, place: [number, number], earlier: number | null, later: number | null,
 *   left_out: boolean}} About
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
  const box = make("textarea", "", text);
  document.body.append(box);
  box.select();
  const copied = document.execCommand("copy");
  box.remove();
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
    const hint = make("span", "muted", "Sends a new branch; this one stays.");
    this.node = make("div", "editor", this.box, make("div", "actions", hint, cancel, resend));
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

  /** @param {string} text */
  open(text) {
    this.box.value = text;
    this.node.hidden = false;
    this.box.style.height = `${Math.min(240, this.box.scrollHeight + 2)}px`;
    this.box.focus();
    this.box.setSelectionRange(text.length, text.length);
  }
}

export class ExchangeView {
  /** @param {string} key names it among all sessions @param {About} about @param {string[][]} segments @param {Link} link */
  constructor(key, about, segments, link) {
    this.key = key;
    this.about = about;
    this.segments = segments;
    this.link = link;
    this.totals = "";
    this.text = make("div", "prompt-text");
    this.editor = new PromptEditor((text) => this.resend(text), () => this.closeEditor());
    this.edit = makeButton("quiet", "Edit", () => this.openEditor());
    this.branches = make("span", "branches");
    this.earlier = makeButton("quiet", "‹", () => this.select(this.about.earlier));
    this.place = make("span", "place");
    this.later = makeButton("quiet", "›", () => this.select(this.about.later));
    this.branches.append(this.earlier, this.place, this.later);
    const copyPrompt = copyButton("Copy the message", async () => this.about.prompt);
    this.actions = make("div", "actions", this.branches, copyPrompt, this.edit);
    this.prompt = make("div", "prompt", this.text, this.editor.node, this.actions);
    /** @param {string} callId @param {boolean} approved */
    const decide = (callId, approved) => link.send({ type: "decide", call_id: callId, approved });
    this.body = new RunBody({ segments, decide });
    this.foot = make("div", "foot", ...this.footPieces());
    this.node = make("article", "exchange", this.prompt, this.body.node, this.foot);
  }

  footPieces() {
    this.status = make("span", "outcome");
    this.elapsed = make("span", "elapsed");
    this.clock = new Elapsed(this.elapsed);
    this.numbers = make("span", "numbers");
    this.leftOut = make("span", "muted", "Not part of what later messages are sent with.");
    this.copyAnswer = copyButton("Copy the answer", () => this.answer());
    this.retry = makeButton("quiet", "Retry", () => this.link.send({ type: "retry", id: this.about.id }));
    this.retry.setAttribute("aria-label", "Ask again, as a new branch");
    this.details = makeButton("quiet", "Details", () => this.toggleDetails());
    this.details.setAttribute("aria-expanded", "false");
    const actions = make("div", "actions", this.copyAnswer, this.retry, this.details);
    return [this.status, this.elapsed, this.numbers, this.leftOut, actions];
  }

  /** @param {{about: About, run: Run}} entry @param {Iterable<number> | null} dirty */
  paint({ about, run }, dirty) {
    this.paintPrompt(about);
    this.body.paint(run, dirty);
    const running = run.status === "running";
    this.node.dataset.status = run.asking?.length ? "asking" : run.status;
    this.node.setAttribute("aria-label", `Message ${about.id}`);
    const said = run.asking?.length ? "needs approval" : running ? "answering" : run.status === "done" ? "" : run.label;
    const detail = running ? null : run.detail;
    setText(this.status, !detail ? said : detail.startsWith(said) ? detail : `${said}: ${detail}`);
    this.status.hidden = !said;
    this.clock.paint(run);
    this.leftOut.hidden = !about.left_out;
    const answered = run.turns.some(({ parts }) => Object.values(parts).some(({ kind }) => kind === "text"));
    this.copyAnswer.hidden = running || !answered;
    this.retry.hidden = running;
    this.details.hidden = run.turns.length === 0;
    this.paintTotals(run.totals);
  }

  /** @param {About} about */
  paintPrompt(about) {
    this.about = about;
    const [place, count] = about.place;
    setText(this.text, about.prompt);
    this.branches.hidden = count < 2;
    setText(this.place, `${place}/${count}`);
    this.earlier.disabled = about.earlier === null;
    this.later.disabled = about.later === null;
    this.earlier.setAttribute("aria-label", `Show branch ${place - 1} of ${count}`);
    this.later.setAttribute("aria-label", `Show branch ${place + 1} of ${count}`);
    this.place.setAttribute("aria-label", `branch ${place} of ${count}`);
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

  toggleDetails() {
    const open = this.node.toggleAttribute("data-details");
    this.details.setAttribute("aria-expanded", String(open));
    this.foot.scrollIntoView({ block: "nearest" });
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
    if (answer.type !== "taken") return;
    this.closeEditor();
    this.link.focus();
  }

  /** @param {number | null} id */
  select(id) {
    if (id !== null) this.link.send({ type: "select", id });
  }

  /** The answer's Markdown, which only Python has; where it does not answer, what is on display. */
  async answer() {
    const late = new Promise((resolve) => setTimeout(() => resolve({}), PATIENCE_MS));
    const { text } = await Promise.race([this.link.ask({ type: "copy", id: this.about.id }), late]);
    const shown = [...this.body.node.querySelectorAll(".al-text")].map((node) => node.textContent ?? "");
    return text ?? shown.join("\n\n");
  }

  close() {
    this.clock.stop();
  }
}
