// A tool call: its arguments, the question whether it may run, its result.

import { BoundedText } from "./bounded_text.js";
import { make, makeButton, setText } from "./elements.js";
import { pictureOf } from "./media.js";

/** @typedef {import("./run_document.js").ToolPart} ToolPart */
/** @typedef {(callId: string, approved: boolean) => void} Decide */

const UNHEARD_MS = 2000;
const WORDS = new Map([
  ["success", "ok"],
  ["writing", "writing…"],
  ["running", "running…"],
  ["asking", "needs approval"],
]);

/** The question and its two buttons, while a person is to decide. */
class Question {
  /** @param {Decide | null | undefined} decide */
  constructor(decide) {
    this.text = make("div", "");
    this.approve = makeButton("approve", "Approve", () => this.answer(true));
    this.deny = makeButton("deny", "Deny", () => this.answer(false));
    this.node = make("div", "question", this.text);
    if (decide) this.node.append(make("div", "answers", this.approve, this.deny));
    this.decide = decide;
    this.callId = "";
  }

  /** @param {ToolPart} part */
  paint(part) {
    this.node.hidden = part.status !== "asking";
    this.callId = part.call_id;
    this.approve.setAttribute("aria-label", `Approve ${part.name}`);
    this.deny.setAttribute("aria-label", `Deny ${part.name}`);
    setText(this.text, part.reason ? `May this run? ${part.reason}` : "May this run?");
    this.lock(false);
  }

  /** @param {boolean} approved */
  answer(approved) {
    this.lock(true);
    this.decide?.(this.callId, approved);
    // A kernel that is busy did not hear it; a second answer changes nothing.
    setTimeout(() => this.lock(false), UNHEARD_MS);
  }

  /** @param {boolean} locked */
  lock(locked) {
    this.approve.disabled = locked;
    this.deny.disabled = locked;
  }
}

export class ToolView {
  /** @param {Decide | null | undefined} decide */
  constructor(decide) {
    this.kind = "tool";
    this.arguments = "";
    this.name = make("code", "");
    this.preview = make("span", "preview");
    this.status = make("span", "status");
    const summary = make("summary", "", this.name, this.preview, this.status);
    this.input = new BoundedText("arguments");
    this.question = new Question(decide);
    this.decision = make("div", "muted");
    this.output = new BoundedText("result");
    this.pictures = make("div", "pictures");
    this.node = make("details", "fold al-tool", summary, this.input.node, this.question.node, this.decision);
    this.node.append(this.output.node, this.pictures);
  }

  /** @param {ToolPart} part */
  paint(part) {
    if (part !== this.part) this.paintCard(part);
    if (part.arguments === this.arguments) return;
    this.arguments = part.arguments;
    setText(this.preview, part.arguments.slice(0, 200).replace(/\s+/g, " "));
    this.input.paint(part.arguments);
  }

  /** @param {ToolPart} part */
  paintCard(part) {
    const asking = part.status === "asking";
    const state = part.error ? "bad" : part.status === "success" ? "good" : asking ? "asking" : "busy";
    if ((asking || part.error) && this.part?.status !== part.status) this.node.open = true;
    this.part = part;
    this.node.dataset.state = part.status === "skipped" ? "skipped" : state;
    setText(this.name, part.name);
    const words = [part.decision, WORDS.get(part.status) ?? part.status, part.time];
    setText(this.status, words.filter(Boolean).join(" · "));
    this.question.paint(part);
    setText(this.decision, part.decision ? `${part.decision}${part.note ? `: ${part.note}` : ""}` : "");
    this.decision.hidden = !part.note;
    this.output.paint(part.result ?? "", part.error ? "error" : "result");
    this.paintPictures(part.pictures ?? []);
  }

  /** @param {import("./run_document.js").Picture[]} pictures */
  paintPictures(pictures) {
    const shown = pictures.flatMap((picture) => pictureOf(picture) ?? []);
    if (shown.length === this.pictures.childElementCount) return;
    this.pictures.replaceChildren(...shown);
    if (shown.length) this.node.open = true;
  }
}
